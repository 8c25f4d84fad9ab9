# Two commands do everything: `make dev` runs noren, `make test` tests it.

GO      ?= go
BIN     := $(CURDIR)/.bin
LINT    := $(BIN)/golangci-lint
LINT_VERSION := v2.15.0
VULN_VERSION := v1.9.0
VULN_DB := https://vuln.go.dev

.PHONY: dev test generate check lint audit bench bench-members vulnerabilities

dev: ## Run everything on this machine; see the printed addresses.
	$(GO) run ./cmd/noren dev

test: ## Run every test; PostgreSQL and Redis are brought up where no URL names them. lint vets them.
	$(GO) test -race -vet=off -timeout 20m -exec 'env GOGC=300' ./...

generate: ## Make Go from the schema.
	$(GO) generate ./graph
	$(GO) run ./cmd/noren operations build

check: generate ## Fail if the generated code is not what the schema says.
	git diff --exit-code -- graph resolvers clients
	test -z "$$(git ls-files --others --exclude-standard -- graph resolvers clients)"

lint: $(LINT) ## Lint; govet is one of the linters.
	$(LINT) run ./...

$(LINT):
	GOFLAGS= GOBIN=$(BIN) $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)

audit: ## Audit GraphQL over HTTP with the npm package graphql-http.
	.ci/graphql-audit/run

bench: ## Measure noren beside the baseline; prints ratios.
	$(GO) run ./bench

bench-members: ## Measure a million members and twelve million purchased items, and points; MEMBERS and PURCHASES choose other sizes.
	$(GO) run ./bench -only members -members $(or $(MEMBERS),1000000) -purchases $(or $(PURCHASES),12000000)
	$(GO) run ./bench -only points

vulnerabilities: ## Look for known vulnerabilities, where their database can be reached.
	@if curl -fs -m 10 -o /dev/null $(VULN_DB)/index/db.json; then \
	  $(GO) run golang.org/x/vuln/cmd/govulncheck@$(VULN_VERSION) ./...; \
	else echo "$(VULN_DB) cannot be reached: vulnerabilities were not looked for"; fi
