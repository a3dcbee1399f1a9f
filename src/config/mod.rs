//! The configuration: file to checked settings, every problem at once.
//!
//! In:  `hbcourier.toml`, the files of `conf.d` beside it, `HBCOURIER__SECTION__KEY` variables.
//! Out: [`Settings`], or every [`Problem`] there is.
//! The way: [`merge`] joins the sources, [`shape`] holds the result against the [`schema`] of the [`raw`] types, and
//! [`check`] turns raw values into checked ones. The [`reference`](mod@reference) file is written from the same schema.

pub mod authorities;
pub mod calendars;
mod check;
mod defaults;
pub mod location;
mod merge;
mod notation;
pub mod problems;
mod raw;
pub mod reference;
mod schema;
pub mod secret;
pub mod settings;
mod severities;
mod shape;
mod spelling;
pub mod template;
pub mod timetable;

use std::ffi::OsString;
use std::path::Path;

pub use problems::{Problem, Problems};
pub use secret::SecretFault;
pub use settings::Settings;
pub use template::{FileNameTemplate, NameFacts, TemplateFault, TemplateUse};

use location::Places;

/// Loads the file, its `conf.d` and the process's `HBCOURIER__…` variables.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
pub fn load(path: &Path) -> Result<Settings, Problems> {
    load_with_env(path, std::env::vars_os())
}

/// Whether this account may not read the file, or what stands in `conf.d` beside it.
pub fn is_closed(path: &Path) -> bool {
    merge::is_closed(path)
}

/// As [`load`], with these variables instead of the process's.
pub fn load_with_env(
    path: &Path,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, Problems> {
    let schema = schema::whole();
    let mut problems = Problems::default();
    let Some(merged) = merge::merge(path, variables, &schema, &mut problems) else {
        return Err(problems);
    };
    let mut places = Places::beginning(path);
    let tree = shape::hold(merged, &schema, &mut places, &mut problems);
    let settings = check::check(tree, places, &mut problems);
    match settings {
        Some(settings) if problems.is_empty() => Ok(settings),
        _ => Err(problems.in_order_of_place()),
    }
}
