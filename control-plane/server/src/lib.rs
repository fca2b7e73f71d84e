//! The admin gRPC API of the control plane.
