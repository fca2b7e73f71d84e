//! Runs a TraceQL plan over span columns; pure.
