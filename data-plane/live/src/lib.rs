//! The live store: recent spans in columns, found as soon as acknowledged.
