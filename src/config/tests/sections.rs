//! What sections must hold, alone and together.

use super::*;

#[test]
fn an_enabled_shop_must_be_complete_and_a_prepared_one_need_not() {
    let lines: Vec<&str> = BASE.lines().collect();
    let without = |words: &[&str]| -> String {
        let kept = lines
            .iter()
            .filter(|line| !words.iter().any(|word| line.starts_with(word)));
        kept.flat_map(|line| [line, "\n"]).collect()
    };
    for (words, path) in [
        (&["review_url"][..], "channels.shop.review_url"),
        (&["from_relationship"], "channels.shop.from_relationship"),
        (&["basis"], "channels.shop.basis"),
        (&["base_url"], "unsubscribe.base_url"),
        (&["keys"], "unsubscribe.keys"),
    ] {
        let text = without(words);
        let found = shown_whole(&text);
        assert_eq!(found.len(), 1, "{words:?} {found:?}");
        assert!(found[0].contains(&format!(": {path}: ")), "{found:?}");
        assert!(
            shown_whole(&format!("{text}enabled = false\n")).is_empty(),
            "{words:?}"
        );
        let quiet = "[sequences.own_shop.steps]\nfollow_up.enabled = false\nreview_request.enabled = false\n";
        assert!(
            shown_whole(&format!("{text}{quiet}")).is_empty(),
            "{words:?}"
        );
    }
}

#[test]
fn senders_and_addresses_are_checked() {
    check_changed(
        "care@lamps",
        "orders@lamps",
        "channels.shop.from_relationship.address",
        &["sender of order mails as well"],
    );
    check_changed(
        "orders@lamps.example",
        "no-reply@lamps.example",
        "channels.shop.from_transactional.address",
        &["reach nobody"],
    );
    check_changed(
        "orders@lamps.example",
        "orders@lamps",
        "channels.shop.from_transactional.address",
        &["no domain name"],
    );
    check_changed(
        "name = \"Lamps\", address = \"orders",
        "name = \"La\\nmps\", address = \"orders",
        "channels.shop.from_transactional",
        &["display name"],
    );
    check(
        "reply_to = \"noreply@lamps.example\"",
        "channels.shop.reply_to",
        &["reach nobody"],
    );
    check(
        "feedback_sender_id = \"abc\"",
        "channels.shop.feedback_sender_id",
        &["5 to 15"],
    );
    check(
        "id_domain = \"localhost\"",
        "channels.shop.id_domain",
        &["no domain name"],
    );
    check(
        "headers = { Subject = \"x\" }",
        "channels.shop.headers.Subject",
        &["cannot be set"],
    );
    check(
        "order_url = \"https://lamps.example/{order}\"",
        "channels.shop.order_url",
        &["`{order_ref}`"],
    );
    check(
        "order_url = \"http://lamps.example/\"",
        "channels.shop.order_url",
        &["https"],
    );
    check(
        "locales = [\"sv\"]",
        "channels.shop.locales[0]",
        &["no templates in `sv`"],
    );
    check(
        "locales = [\"de\"]\ndefault_locale = \"pl\"",
        "channels.shop.default_locale",
        &["not among"],
    );
    check(
        "locales = [\"deutsch\"]",
        "channels.shop.locales[0]",
        &["is no locale"],
    );
    check(
        "activated_at = \"yesterday\"",
        "channels.shop.activated_at",
        &[],
    );
    check(
        "sent_by_shop = [\"acepted\"]",
        "channels.shop.sent_by_shop[0]",
        &["did you mean `accepted`?"],
    );
    check_changed(
        "default = \"soft_opt_in\"",
        "default = \"platform\"",
        "channels.shop.basis.default",
        &["own shop"],
    );
    check_changed(
        "default = \"soft_opt_in\"",
        "default = \"none\", Germany = \"consent\"",
        "channels.shop.basis.Germany",
        &["no country code"],
    );
}

#[test]
fn exceptions_from_policy_need_a_name_and_a_reason() {
    check(
        "[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \" \"\nby = \"Jana\"",
        "channels.shop.policy[0].reason",
        &["who decided and why"],
    );
    check(
        "[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \"r\"",
        "channels.shop.policy[0].by",
        &["`by` is missing"],
    );
}

#[test]
fn the_service_is_not_opened_to_the_network() {
    let found = shown("[web]\nlisten = \"0.0.0.0:8080\"");
    assert_eq!(found.len(), 1, "{found:?}");
    loads("[web]\nlisten = \"127.0.0.1:9090\"");
}

#[test]
fn other_sections_are_checked() {
    check(
        "[send]\nretry_schedule = []",
        "send.retry_schedule",
        &["at least one wait"],
    );
    check("[send]\nlease = \"1s\"", "send.lease", &["`5s` or more"]);
    check(
        "[service]\ntick = \"0s\"",
        "service.tick",
        &["no time at all"],
    );
    check(
        "[service]\ntick = \"5 seconds\"",
        "service.tick",
        &["no duration"],
    );
    check(
        "[database]\nurl = \"mysql://h/d\"",
        "database.url",
        &["`sqlite:PATH`"],
    );
    check("[brand]\ncolor = \"blue\"", "brand.color", &["#rrggbb"]);
    check("[log]\nlevel = \"a=b=c\"", "log.level", &["no log level"]);
    check(
        "[transports.relay]\ntype = \"smtp\"\nhost = \"mail.example.com\"\nsecurity = \"none\"",
        "transports.relay.security",
        &["only for a relay on this machine"],
    );
    check(
        "[transports.relay]\nhost = \"h\"",
        "transports.relay.type",
        &["is missing"],
    );
    check(
        "[transports.relay]\ntype = \"smpt\"",
        "transports.relay.type",
        &["did you mean `smtp`?"],
    );
}

#[test]
fn the_key_of_the_example_signs_nothing_that_leaves() {
    let text = load::EXAMPLE.replace(
        "type = \"file\"\ndir = \"data/outbox\"",
        "type = \"smtp\"\nhost = \"mail.example.com\"",
    );
    let found = shown_whole(&text);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("unsubscribe.keys[0].secret: is the key of the example"),
        "{found:?}"
    );
}

#[test]
fn a_channel_that_lacks_much_is_told_all_of_it() {
    let found = shown("[channels.x]\n[channels.y]\nplatform = 3\ntransport = \"outbx\"");
    let places: Vec<String> = found
        .iter()
        .map(|text| text.split(": ").take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        places,
        [
            "21 channels.x.platform",
            "21 channels.x.sequence",
            "21 channels.x.from_transactional",
            "22 channels.y.sequence",
            "22 channels.y.from_transactional",
            "23 channels.y.platform",
            "24 channels.y.transport",
        ]
    );
}

#[test]
fn a_file_without_channels_is_told_so() {
    let found = shown_whole(&BASE[..BASE.find("[channels").unwrap()]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("0: channels: no channel is configured"),
        "{found:?}"
    );
}

#[test]
fn days_instants_and_addresses_to_listen_on_are_exact() {
    check(
        "activated_at = 2026-01-31",
        "channels.shop.activated_at",
        &["`2026-01-31` is no instant", "2026-01-31T08:00:00Z"],
    );
    check(
        "activated_at = \"2026-01-31 08:00\"",
        "channels.shop.activated_at",
        &["is no instant"],
    );
    check(
        "[web]\nlisten = \"8080\"",
        "web.listen",
        &["127.0.0.1:8080"],
    );
    check(
        "[[channels.shop.policy]]\nkind = \"delay\"\npermission = \"ask\"\nreason = \"r\"\nby = \"b\"\nuntil = \"soon\"",
        "channels.shop.policy[0].until",
        &["`soon` is no day"],
    );
    let config = loads("activated_at = 2026-01-31T08:00:00.1234+01:00");
    let at = config.channels["shop"].activated_at.unwrap();
    assert_eq!(at.to_rfc3339(), "2026-01-31T07:00:00.123+00:00");
}

#[track_caller]
fn check_basis(platform: &str, basis: &str, country: Option<&str>, expected: Option<BasisRule>) {
    let text = BASE
        .replace("\"shop\"", &format!("\"{platform}\""))
        .replace("{ default = \"soft_opt_in\" }", basis);
    let config = load_with(&text, &[]).unwrap_or_else(|e| panic!("{}", e.render(false)));
    let found = config.channels["shop"].basis_for(country);
    assert_eq!(found, expected, "{platform} {basis} {country:?}");
}

#[test]
fn germany_is_preset_to_consent_and_marketplaces_to_their_rules() {
    use BasisRule::{Consent, None as Never, Platform, SoftOptIn};
    let default = "{ default = \"soft_opt_in\" }";
    check_basis("shop", default, Some("FR"), Some(SoftOptIn));
    check_basis("shop", default, None, Some(SoftOptIn));
    check_basis("shop", default, Some("de"), Some(Consent));
    let written = "{ default = \"none\", DE = \"soft_opt_in\" }";
    check_basis("shop", written, Some("DE"), Some(SoftOptIn));
    check_basis("shop", written, Some("PL"), Some(Never));
    check_basis("ebay", "{}", Some("DE"), Some(Platform));
    check_basis("ebay", written, None, Some(Never));
}
