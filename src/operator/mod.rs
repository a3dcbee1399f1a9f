//! What a person may order.
