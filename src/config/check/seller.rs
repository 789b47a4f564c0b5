//! Checks of `[seller]` and `[brand]`.

use crate::{
    config::{
        findings::Findings,
        section::{
            Settings,
            seller::{Brand, Seller},
        },
    },
    sequence::holidays::Holidays,
};

use super::{
    COUNTRY_HINT, HTTPS_HINT, NO_COUNTRY, NO_HTTPS, NO_REPLY, NO_REPLY_HINT, is_country, is_https,
    is_no_reply,
};

pub(super) fn check(settings: &Settings, findings: &mut Findings) {
    check_seller(&settings.seller, findings);
    check_brand(&settings.brand, findings);
}

fn check_seller(seller: &Seller, findings: &mut Findings) {
    for (key, value) in [("name", &seller.name), ("legal_name", &seller.legal_name)] {
        if value.trim().is_empty() {
            findings.check(
                &["seller", key],
                "is empty",
                "every mail names who sends it",
            );
        }
    }
    if seller
        .postal_address
        .iter()
        .all(|line| line.trim().is_empty())
    {
        findings.check(
            &["seller", "postal_address"],
            "is empty",
            "the law asks for a postal address in the footer; write one line per entry",
        );
    }
    if !is_country(&seller.country) {
        findings.check(&["seller", "country"], NO_COUNTRY, COUNTRY_HINT);
    } else if !Holidays::builtin().knows(&seller.country) {
        findings.warn(
            &["seller", "country"],
            format!("the public holidays of {} are not known", seller.country),
            "steps with `hours = \"office\"` keep only Sundays free for buyers there",
        );
    }
    if is_no_reply(seller.support_email.local_part()) {
        findings.check(&["seller", "support_email"], NO_REPLY, NO_REPLY_HINT);
    }
    for (key, url) in [
        ("privacy_url", Some(&seller.privacy_url)),
        ("support_url", seller.support_url.as_ref()),
        ("imprint_url", seller.imprint_url.as_ref()),
    ] {
        if url.is_some_and(|url| !is_https(url)) {
            findings.check(&["seller", key], NO_HTTPS, HTTPS_HINT);
        }
    }
}

fn check_brand(brand: &Brand, findings: &mut Findings) {
    let is_color = brand.color.len() == 7
        && brand.color.starts_with('#')
        && brand.color[1..].bytes().all(|b| b.is_ascii_hexdigit());
    if !is_color {
        findings.check(
            &["brand", "color"],
            "is no colour",
            "write it as `#rrggbb`, such as `#1a5fb4`",
        );
    }
    if brand.logo_url.as_ref().is_some_and(|url| !is_https(url)) {
        findings.check(&["brand", "logo_url"], NO_HTTPS, HTTPS_HINT);
    }
    for (key, size) in [
        ("logo_width", brand.logo_width),
        ("logo_height", brand.logo_height),
    ] {
        if !(1..=600).contains(&size) {
            findings.check(
                &["brand", key],
                "no such size fits a mail",
                "write CSS pixels from 1 to 600, the width of the mail",
            );
        }
    }
}
