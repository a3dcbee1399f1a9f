//! Couriers: how sealed returns leave.
