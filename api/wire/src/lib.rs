//! Generated protocol code; nothing here is written by hand.
