//! Destinations: where plaintext is delivered.
