-- +goose Up
-- Who a brand's documents are from.
CREATE TABLE document_issuers (
	brand_id   uuid PRIMARY KEY REFERENCES brands,
	issuer     jsonb NOT NULL,
	updated_at timestamptz NOT NULL
);

-- The last number of each kind that a brand has drawn. Who draws one holds the row until
-- the transaction ends, so that a number that is given back leaves no gap.
CREATE TABLE document_numbers (
	brand_id uuid NOT NULL REFERENCES brands,
	kind     text NOT NULL,
	last     bigint NOT NULL CHECK (last > 0),
	PRIMARY KEY (brand_id, kind)
);

-- What was issued: rows are only ever added.
CREATE TABLE documents (
	id           uuid PRIMARY KEY,
	brand_id     uuid NOT NULL REFERENCES brands,
	kind         text NOT NULL CHECK (kind IN ('INVOICE', 'DELIVERY_NOTE', 'RECEIPT', 'CREDIT_NOTE', 'STATEMENT')),
	serial       bigint NOT NULL,
	source       text NOT NULL, -- what it was issued for, once
	order_id     uuid REFERENCES orders,
	company_id   uuid REFERENCES companies,
	statement_id uuid REFERENCES account_statements,
	corrects_id  uuid REFERENCES documents,
	issued_at    timestamptz NOT NULL,
	currency     text NOT NULL,
	total        bigint NOT NULL,
	taxes        jsonb NOT NULL,
	content      jsonb NOT NULL,
	UNIQUE (brand_id, kind, serial),
	UNIQUE (brand_id, source),
	CHECK ((kind = 'CREDIT_NOTE') = (corrects_id IS NOT NULL))
);
CREATE INDEX documents_order ON documents (order_id, issued_at, id) WHERE order_id IS NOT NULL;
CREATE INDEX documents_statement ON documents (statement_id) WHERE statement_id IS NOT NULL;
CREATE INDEX documents_corrects ON documents (corrects_id) WHERE corrects_id IS NOT NULL;
CREATE INDEX documents_issued ON documents (brand_id, issued_at DESC, id DESC);
CREATE INDEX documents_kind ON documents (brand_id, kind, issued_at DESC, id DESC);
CREATE INDEX documents_company ON documents (company_id, issued_at DESC, id DESC) WHERE company_id IS NOT NULL;

-- +goose StatementBegin
CREATE FUNCTION documents_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION 'an issued document never changes: correct it by a credit note';
END $$;
-- +goose StatementEnd
CREATE TRIGGER documents_stay BEFORE UPDATE OR DELETE ON documents FOR EACH ROW EXECUTE FUNCTION documents_stay();

-- +goose Down
DROP TABLE documents, document_numbers, document_issuers;
DROP FUNCTION documents_stay;
