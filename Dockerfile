FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /noren ./cmd/noren

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /noren /noren
EXPOSE 8080
ENTRYPOINT ["/noren"]
CMD ["serve", "--addr=0.0.0.0:8080"]
