//! Read models folded from the events of the control log, watched from a revision.
