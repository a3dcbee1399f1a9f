//! The configuration: file to checked settings, every problem at once.

pub mod settings;
pub mod template;
pub mod timetable;

pub use settings::Settings;
pub use template::FileNameTemplate;
