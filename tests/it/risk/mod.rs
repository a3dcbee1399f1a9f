//! Caseload Risk Data: what officers are told of a month's file, by the real program, and what becomes of one that comes in.

mod canary;
mod derived;
mod inbound;
mod learning;
mod malformed;
mod months;
mod reporting;
mod settings;
mod workbooks;
