//! The durability protocol: bytes, name, directory, each made durable before the next.
