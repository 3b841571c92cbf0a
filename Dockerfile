# docker build -t codeforge-backend .
#
# Two builds of one commit give the same program: versions are pinned by go.mod, go.sum and this line, and no path or time is in it.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ENV CGO_ENABLED=0
RUN go build -trimpath -buildvcs=false -ldflags="-s -w -buildid=" -o /out/codeforge ./cmd/codeforge && mkdir -m 700 /out/data && mkdir -m 1777 /out/tmp

# Nothing but the program, the authorities that sign certificates, and two folders to write to. The root may be read-only:
# keep /data on a volume, and /tmp on one or in memory.
FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/codeforge /codeforge
COPY --from=build --chown=65532:65532 /out/data /data
COPY --from=build --chown=65532:65532 /out/tmp /tmp
# There is no browser in here, so nothing is run in one; everything else is checked.
ENV DATA_DIR=/data TMPDIR=/tmp HOME=/data HOST=0.0.0.0 PORT=8000 SMOKE=off
USER 65532:65532
WORKDIR /data
VOLUME /data
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["/codeforge"]
CMD ["serve"]
