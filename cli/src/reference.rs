//! `weir reference`: the options of each command as Markdown, from the definitions that parse them. The
//! tables in `docs/cli.md` are made of it, and a test keeps them so.

use clap::{Arg, Command};
use std::io::{self, Write};

/// Writes a table for each command, each between two marks.
///
/// # Errors
/// When `out` cannot be written to.
pub(crate) fn write(program: &Command, out: &mut impl Write) -> io::Result<()> {
    for command in program.get_subcommands().filter(|command| !command.is_hide_set()) {
        table(command, command.get_name(), out)?;
    }
    Ok(())
}

fn table(command: &Command, path: &str, out: &mut impl Write) -> io::Result<()> {
    let inner: Vec<&Command> = command.get_subcommands().filter(|it| it.get_name() != "help").collect();
    for it in &inner {
        table(it, &format!("{path} {}", it.get_name()), out)?;
    }
    if !inner.is_empty() {
        return Ok(());
    }
    writeln!(out, "<!-- options: {path} -->")?;
    let arguments = command.get_arguments().filter(|it| !["help", "version"].contains(&it.get_id().as_str()));
    let mut arguments: Vec<&Arg> = arguments.collect();
    arguments.sort_by_key(|argument| !argument.is_positional());
    if !arguments.is_empty() {
        writeln!(out, "| option | meaning |\n|---|---|")?;
    }
    for argument in arguments {
        writeln!(out, "| {} | {} |", usage(argument), meaning(argument))?;
    }
    writeln!(out, "<!-- end -->")
}

/// `FILE...`, `--output FORM`, `-n, --number N`.
fn usage(argument: &Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let value = match argument.get_action().takes_values() {
        true => values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
        false => String::new(),
    };
    let many = matches!(argument.get_action(), clap::ArgAction::Append);
    if argument.is_positional() {
        return format!("`{value}{}`", if many { "..." } else { "" });
    }
    let short = argument.get_short().map(|short| format!("-{short}, ")).unwrap_or_default();
    let long = argument.get_long().unwrap_or_default();
    format!(
        "`{}`{}",
        format!("{short}--{long} {value}").trim_end().replace('|', "\\|"),
        if many { ", may be repeated" } else { "" }
    )
}

fn meaning(argument: &Arg) -> String {
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let mut text = help.replace('\n', " ").replace('|', "\\|");
    if !text.ends_with('.') {
        text.push('.');
    }
    let possible = argument.get_possible_values();
    if argument.get_action().takes_values() && !possible.is_empty() {
        let names: Vec<String> = possible.iter().map(|value| format!("`{}`", value.get_name())).collect();
        text.push_str(&format!(" One of {}.", names.join(", ")));
    }
    let defaults: Vec<_> = argument.get_default_values().iter().map(|it| it.to_string_lossy()).collect();
    if argument.get_action().takes_values() && !defaults.is_empty() {
        text.push_str(&format!(" Default: `{}`.", defaults.join(" ")));
    }
    text
}
