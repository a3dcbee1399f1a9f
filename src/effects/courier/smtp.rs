//! By SMTP.
