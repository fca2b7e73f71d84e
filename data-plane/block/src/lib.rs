//! Block formats over bytes; pure.
