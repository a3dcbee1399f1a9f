//! What each kind of file looks like: bytes in, findings out. Pure.
