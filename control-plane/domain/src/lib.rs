//! The rules of the control plane, pure: commands in, events out, state folded.
