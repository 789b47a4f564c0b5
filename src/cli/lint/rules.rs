//! `lint rules` and `lint explain`: the rules themselves.

use serde::Serialize;

use crate::{
    cli::{
        Context, Format, output,
        table::{Table, did_you_mean},
    },
    lint::{Profile, Rule, Severity},
    mail::{Locale, MailKind, Platform},
};

#[derive(Serialize)]
struct About {
    code: &'static str,
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    documentation: Option<&'static str>,
    what: String,
    severity: Vec<(&'static str, Severity)>,
}

/// Lists every rule.
pub(super) fn list(context: &Context) -> anyhow::Result<()> {
    if context.format == Format::Json {
        let all: Vec<About> = Rule::ALL.iter().map(|rule| about(*rule, false)).collect();
        return output::json(&all);
    }
    let mut table = Table::new(&["code", "name", "what it does"]);
    for rule in Rule::ALL {
        table.row(vec![
            rule.code().to_owned(),
            rule.name().to_owned(),
            what(*rule),
        ]);
    }
    output::line(&table.render())?;
    output::line("\n`afternote lint explain RULE` tells more about one.")?;
    Ok(())
}

/// Prints a rule's documentation.
pub(super) fn explain(name: &str, context: &Context) -> anyhow::Result<()> {
    let Ok(rule) = name.trim().parse::<Rule>() else {
        let known = Rule::ALL.iter().flat_map(|rule| [rule.code(), rule.name()]);
        let hint = match did_you_mean(name, known) {
            hint if hint.is_empty() => "; `afternote lint rules` lists them".to_owned(),
            hint => hint,
        };
        anyhow::bail!("`{name}` is no rule{hint}");
    };
    if context.format == Format::Json {
        return output::json(&about(rule, true));
    }
    output::line(rule.documentation().trim_end())?;
    output::line("\n## Severity\n")?;
    for severity in [Severity::Error, Severity::Warn, Severity::Info] {
        let on: Vec<&str> = severities(rule)
            .into_iter()
            .filter(|(_, of)| *of == severity)
            .map(|(platform, _)| platform)
            .collect();
        if !on.is_empty() {
            output::line(&format!("{}: {}", severity.as_str(), on.join(", ")))?;
        }
    }
    Ok(())
}

fn about(rule: Rule, whole: bool) -> About {
    About {
        code: rule.code(),
        name: rule.name(),
        documentation: whole.then(|| rule.documentation()),
        what: what(rule),
        severity: severities(rule),
    }
}

/// The severity in an English review request on each platform.
fn severities(rule: Rule) -> Vec<(&'static str, Severity)> {
    Platform::ALL
        .into_iter()
        .map(|platform| {
            let profile = Profile::new(Some(platform), MailKind::ReviewRequest, Locale::english());
            let severity = crate::lint::severity_of(rule, &profile);
            (platform.as_str(), severity)
        })
        .collect()
}

/// The first sentence under "What it does".
fn what(rule: Rule) -> String {
    let text = rule.documentation();
    let section = text
        .split("## What it does")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap_or_default();
    let joined = section.split_whitespace().collect::<Vec<_>>().join(" ");
    match joined.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => joined,
    }
}
