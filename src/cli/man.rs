//! `hbcourier man`: the manual, a page for the program and one for every command.
//!
//! In:  the command line's own description.
//! Out: the program's page on standard output, or every page as a file of a folder, as packages want them.

use std::io::{self, Write};
use std::path::PathBuf;

use clap_mangen::Man;

use crate::durable::Directory;

/// Print the manual page
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write a page for every command into this folder, which has none yet, instead
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// What the description of the command line does not tell.
const MORE: &str = r#".SH "EXIT STATUS"
0: yes, or done. 1: the answer is no: findings at error level, a verification that failed, something held or overdue
where that was asked. 2: wrong usage. 3: it could not be done. 78: the configuration is wrong.
.SH FILES
.TP
\fI/etc/hbcourier/hbcourier.toml\fR, \fI/etc/hbcourier/conf.d/*.toml\fR
the configuration; every key is described in \fI/usr/share/hbcourier/hbcourier.toml\fR
.TP
\fI/etc/hbcourier/credentials/\fR, \fI/etc/hbcourier/credentials.encrypted/\fR
secrets by the names that the configuration refers to, plain (mode 0600) or from systemd\-creds(1)
.TP
\fI/var/lib/hbcourier/\fR
the store with the ledger, the spool, the archive, own secret keys
.TP
\fI/run/hbcourier/control.sock\fR
how commands reach the running service
.SH ENVIRONMENT
\fBHBCOURIER_CONFIG\fR and \fBHBCOURIER_SOCKET\fR stand for \fB\-\-config\fR and \fB\-\-socket\fR;
\fBHBCOURIER__SECTION__KEY\fR overrides a single setting.
.SH "SEE ALSO"
systemctl(1), journalctl(1), systemd\-creds(1)
"#;

/// Prints the page, or writes all of them.
pub fn run(args: &Args, program: clap::Command, out: &mut dyn Write) -> io::Result<()> {
    let mut program = program.disable_help_subcommand(true);
    program.build();
    let Some(dir) = &args.dir else { return page(&program, true, out) };
    let dir = Directory::open(dir)?;
    write_page(&program, true, &dir)?;
    write_pages_below(&program, &dir)
}

fn write_pages_below(command: &clap::Command, dir: &Directory) -> io::Result<()> {
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        write_page(command, false, dir)?;
        write_pages_below(command, dir)?;
    }
    Ok(())
}

fn write_page(command: &clap::Command, is_first: bool, dir: &Directory) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    let mut written = Vec::new();
    page(command, is_first, &mut written)?;
    dir.create(&format!("{name}.1"))?.write_all(&written)
}

fn page(command: &clap::Command, is_first: bool, out: &mut dyn Write) -> io::Result<()> {
    let man = Man::new(command.clone()).manual("hbcourier");
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.has_subcommands() {
        man.render_subcommands_section(out)?;
    }
    let more = if is_first { MORE } else { ".SH \"SEE ALSO\"\nhbcourier(1)\n" };
    out.write_all(more.as_bytes())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::super::dispatch::Cli;
    use super::*;

    #[test]
    fn every_command_has_a_page_and_none_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let args = Args { dir: Some(folder.path().to_path_buf()) };
        run(&args, Cli::command(), &mut Vec::new()).unwrap();
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
        assert!(page("hbcourier.1").contains("EXIT STATUS"));
        assert!(page("hbcourier-audit-verify.1").contains("hbcourier audit verify"));
        let again = run(&args, Cli::command(), &mut Vec::new()).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    }
}
