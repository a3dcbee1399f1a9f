//! Where a person looks for what a restored state does not know: the places where files arrive.

use crate::config::Settings;
use crate::config::settings::SourceWay;

/// Each source, and where its mails go once they are collected.
pub(super) fn places(settings: &Settings) -> Vec<String> {
    let sources = settings.authorities.iter().flat_map(|authority| authority.sources());
    let told = |way: SourceWay<'_>| match way {
        SourceWay::Folder(_) => way.to_string(),
        SourceWay::Maildir(maildir) => format!("{way}, and there `{}`, where collected mails go", maildir.processed),
        SourceWay::Mailbox(mailbox) => format!("{way}, and there `{}`, where collected mails go", mailbox.processed),
    };
    sources.map(|source| format!("{}: {}", source.name, told(source.way))).collect()
}
