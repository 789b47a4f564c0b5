//! Checks of one `[channels.NAME]` against the rest of the configuration.

use crate::{
    config::{
        findings::Findings,
        read::one_of,
        section::channel::{BasisRule, Channel},
    },
    mail::{Locale, MailClass, MailKind, header},
    order::event::Rung,
    sequence::{Sequence, Span},
};

use super::{
    COUNTRY_HINT, Checked, NO_COUNTRY, NO_REPLY, NO_REPLY_HINT, check_shipped, is_country,
    is_domain, is_https, is_no_reply,
};

/// The one placeholder of `review_url` and `order_url`.
const ORDER_REF: &str = "{order_ref}";

pub(super) fn check(name: &str, channel: &Channel, checked: &Checked<'_>, findings: &mut Findings) {
    let is_name = (1..=32).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
    if !is_name {
        findings.check(
            &["channels", name],
            "is no name for a channel",
            "write 1 to 32 lower-case letters, digits, `_` or `-`; the name stands in the ledger and in `Feedback-ID`",
        );
    }
    check_names(name, channel, checked, findings);
    check_locales(name, channel, checked, findings);
    check_addresses(name, channel, findings);
    check_urls_and_headers(name, channel, findings);
    check_exceptions(name, channel, findings);
    if channel.enabled
        && let Some(sequence) = checked.sequences.get(&channel.sequence)
    {
        check_complete(name, channel, sequence, checked, findings);
        warn_of_the_unexpected(name, channel, sequence, findings);
    }
}

/// What is allowed and may still surprise.
fn warn_of_the_unexpected(
    name: &str,
    channel: &Channel,
    sequence: &Sequence,
    findings: &mut Findings,
) {
    if channel.activated_at.is_none() {
        findings.warn(
            &["channels", name],
            "every order counts as history, so nothing is sent yet",
            "run `import --activate`, or set `activated_at`",
        );
    }
    for step in sequence.steps.iter().filter(|step| step.enabled) {
        let length = Span::minutes(step.window.to.as_minutes() - step.window.from.as_minutes());
        if step.hours.may_stay_closed(length) {
            findings.warn(
                &["sequences", &sequence.name, "steps", &step.id, "hours"],
                format!(
                    "a window of {length} can lie wholly outside these hours, on some days of the week"
                ),
                "such a mail ends as `no_allowed_time`; allow more days or hours, or widen the window",
            );
        }
    }
    for step in &sequence.steps {
        if step.enabled
            && step.class() == MailClass::Relationship
            && step.evidence < Rung::Marketplace
        {
            findings.warn(
                &["sequences", &sequence.name, "steps", &step.id, "evidence"],
                "orders count as delivered without word from carrier or marketplace",
                "some buyers will be asked about a parcel they do not have; prefer `marketplace` or better",
            );
        }
    }
}

fn check_names(name: &str, channel: &Channel, checked: &Checked<'_>, findings: &mut Findings) {
    let transport = channel.transport.as_str();
    if !checked.transports.contains_key(transport)
        && !findings.is_tainted_at(&["transports", transport])
    {
        findings.check(
            &["channels", name, "transport"],
            format!("there is no transport `{transport}`"),
            one_of(transport, checked.transports.keys().map(String::as_str)),
        );
    }
    let sequence = channel.sequence.as_str();
    if !checked.sequences.contains_key(sequence)
        && !findings.is_tainted_at(&["sequences", sequence])
    {
        findings.check(
            &["channels", name, "sequence"],
            format!("there is no sequence `{sequence}`"),
            one_of(sequence, checked.sequences.keys().map(String::as_str)),
        );
    }
}

fn check_locales(name: &str, channel: &Channel, checked: &Checked<'_>, findings: &mut Findings) {
    let enabled = &checked.settings.templates.offered();
    // `de-AT` is served by the texts of `de`.
    let is_among = |locale: &Locale, locales: &[Locale]| {
        locales.contains(locale) || locales.contains(&locale.without_region())
    };
    for (index, locale) in channel.locales.iter().enumerate() {
        let index = index.to_string();
        let path = ["channels", name, "locales", &index];
        check_shipped(&path, locale, checked.settings, findings);
        if Locale::SHIPPED.contains(&locale.language()) && !is_among(locale, enabled) {
            findings.check(
                &path,
                format!("`{locale}` is not enabled"),
                "add it to `templates.locales`, or take it out here",
            );
        }
    }
    let offered = if channel.locales.is_empty() {
        enabled
    } else {
        &channel.locales
    };
    if let Some(locale) = &channel.default_locale
        && !is_among(locale, offered)
    {
        findings.check(
            &["channels", name, "default_locale"],
            format!("`{locale}` is not among the channel's languages"),
            "add it to `locales`, or choose one of them",
        );
    }
}

fn check_addresses(name: &str, channel: &Channel, findings: &mut Findings) {
    if let Some(reply_to) = &channel.reply_to
        && is_no_reply(reply_to.local_part())
    {
        findings.check(&["channels", name, "reply_to"], NO_REPLY, NO_REPLY_HINT);
    }
    if channel.reply_to.is_none() {
        for (key, mailbox) in [
            ("from_transactional", Some(&channel.from_transactional)),
            ("from_relationship", channel.from_relationship.as_ref()),
        ] {
            if mailbox.is_some_and(|mailbox| is_no_reply(mailbox.address.local_part())) {
                findings.check(
                    &["channels", name, key, "address"],
                    NO_REPLY,
                    "name a mailbox that people read, or set `reply_to` to one",
                );
            }
        }
    }
    if channel.return_path.is_some() && channel.bounce_domain.is_some() {
        findings.check(
            &["channels", name, "return_path"],
            "`bounce_domain` is set as well",
            "keep one: a fixed return path, or a domain for return paths with a token",
        );
    }
    for (key, domain) in [
        ("bounce_domain", &channel.bounce_domain),
        ("id_domain", &channel.id_domain),
    ] {
        if domain.as_ref().is_some_and(|domain| !is_domain(domain)) {
            findings.check(
                &["channels", name, key],
                "is no domain name",
                "write one of your own, such as `mail.example.com`",
            );
        }
    }
    let is_sender_id = |id: &String| {
        (5..=15).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if channel
        .feedback_sender_id
        .as_ref()
        .is_some_and(|id| !is_sender_id(id))
    {
        findings.check(
            &["channels", name, "feedback_sender_id"],
            "is no sender of a `Feedback-ID`",
            "write 5 to 15 letters and digits and never change them",
        );
    }
}

fn check_urls_and_headers(name: &str, channel: &Channel, findings: &mut Findings) {
    for (key, url) in [
        ("review_url", &channel.review_url),
        ("order_url", &channel.order_url),
    ] {
        let Some(url) = url else { continue };
        let filled = url.replace(ORDER_REF, "1");
        if filled.contains(['{', '}']) {
            findings.check(
                &["channels", name, key],
                "holds a placeholder we do not know",
                format!("the only one is `{ORDER_REF}`"),
            );
        } else if !is_https(&filled) {
            findings.check(
                &["channels", name, key],
                "is no https address",
                format!("write it as `https://www.example.com/orders/{ORDER_REF}`"),
            );
        }
    }
    for (header, value) in &channel.headers {
        if !header::is_custom_name(header) {
            findings.check(
                &["channels", name, "headers", header],
                "this header cannot be set",
                "take another name, such as `X-Shop`; afternote writes From, To, Subject, Date and their like itself",
            );
        } else if value.is_empty() || header::clean(value, 500) != *value {
            findings.check(
                &["channels", name, "headers", header],
                "is empty, too long or holds control characters",
                "write one line of plain text",
            );
        }
    }
}

fn check_exceptions(name: &str, channel: &Channel, findings: &mut Findings) {
    for country in channel.basis.keys() {
        if country != "default" && !is_country(country) {
            findings.check(
                &["channels", name, "basis", country],
                NO_COUNTRY,
                COUNTRY_HINT,
            );
        }
    }
    for (country, rule) in &channel.basis {
        if *rule == BasisRule::Platform && !channel.platform.is_marketplace() {
            findings.check(
                &["channels", name, "basis", country],
                "an own shop has no marketplace whose rules allow the mail",
                "write `consent`, `soft_opt_in` or `none`",
            );
        }
    }
    for (index, over) in channel.policy.iter().enumerate() {
        let position = index.to_string();
        for (key, value) in [("reason", &over.reason), ("by", &over.by)] {
            if value.trim().is_empty() {
                findings.check(
                    &["channels", name, "policy", &position, key],
                    "is empty",
                    "say who decided and why; `why` shows it for every mail it lets through",
                );
            }
        }
        if channel.policy[..index]
            .iter()
            .any(|other| other.kind == over.kind)
        {
            findings.check(
                &["channels", name, "policy", &position, "kind"],
                format!("there are two exceptions for `{}`", over.kind),
                "keep one of them",
            );
        }
    }
}

/// What only a channel that writes to buyers must have.
fn check_complete(
    name: &str,
    channel: &Channel,
    sequence: &Sequence,
    checked: &Checked<'_>,
    findings: &mut Findings,
) {
    let sends = |wanted: &dyn Fn(MailKind) -> bool| {
        sequence.steps.iter().any(|step| {
            step.enabled
                && !step.sent_by_shop
                && !channel.sent_by_shop.contains(&step.kind)
                && wanted(step.kind)
        })
    };
    let sends_relationship = sends(&|kind| kind.class() == MailClass::Relationship);
    if channel.platform.is_marketplace()
        || !sends_relationship
        || findings.is_tainted_at(&["channels", name, "platform"])
    {
        return;
    }
    let way_out = "or switch the follow-up and review steps off";
    if channel.basis_for(None).is_none() {
        findings.check(
            &["channels", name, "basis"],
            "no legal basis is chosen for follow-up and review mails",
            format!("set `default` to `consent`, `soft_opt_in` or `none`, and single countries beside it, {way_out}"),
        );
    }
    match &channel.from_relationship {
        None => findings.check(
            &["channels", name, "from_relationship"],
            "is missing: follow-up and review mails need a sender of their own",
            "add it with another address than `from_transactional`, so that complaints about one never stop the other",
        ),
        Some(from)
            if from.address.comparison_key()
                == channel.from_transactional.address.comparison_key() =>
        {
            findings.check(
                &["channels", name, "from_relationship", "address"],
                "is the sender of order mails as well",
                "use another address, so that complaints about one never stop the other",
            );
        }
        Some(_) => {}
    }
    if sends(&|kind| kind == MailKind::ReviewRequest) && channel.review_url.is_none() {
        findings.check(
            &["channels", name, "review_url"],
            "is missing: the review mail would lead nowhere",
            "add the page where a review is written, or switch the step off",
        );
    }
    let unsubscribe = &checked.settings.unsubscribe;
    if unsubscribe.base_url.is_none() {
        findings.check(
            &["unsubscribe", "base_url"],
            format!("is missing: follow-up and review mails of channel `{name}` must carry an unsubscribe link"),
            format!("add the public address of this service, such as `https://mail.example.com/u`, {way_out}"),
        );
    }
    if unsubscribe.keys.is_empty() {
        findings.check(
            &["unsubscribe", "keys"],
            format!("is missing: the unsubscribe links of channel `{name}` must be signed"),
            format!("add `[[unsubscribe.keys]]` with `kid` and `secret_file`, {way_out}"),
        );
    }
}
