//! Tests of the floating-point handlers.
