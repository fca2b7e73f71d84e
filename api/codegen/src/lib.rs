//! Generates takt-wire from api/proto without protoc.
