use std::sync::LazyLock;

use super::*;
use crate::{
    lint,
    mail::MailClass,
    render::context::{Part, samples},
};

/// Loaded once for all tests that change nothing.
fn embedded() -> Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::embedded().unwrap());
    CATALOGUE.clone()
}

/// The layouts, partials and words, with no mail but those named.
fn frame_with(mails: &[&str]) -> TemplateFiles {
    let mut files = TemplateFiles::embedded();
    let names: Vec<String> = files.iter().map(|(name, _)| name.to_owned()).collect();
    for name in names {
        let is_frame = ["layout/", "partials/", "words/"]
            .iter()
            .any(|folder| name.starts_with(folder));
        if !is_frame && !mails.contains(&name.as_str()) {
            files.remove(&name);
        }
    }
    files
}

fn only(tag: &str) -> LocaleChain {
    LocaleChain::only(&tag.parse().unwrap())
}

fn sample(kind: MailKind, name: &str) -> MailContext {
    samples(kind)
        .into_iter()
        .find(|(sample, _)| *sample == name)
        .unwrap()
        .1
}

fn platforms(info: &TemplateInfo) -> Vec<Platform> {
    info.platform
        .map_or_else(|| vec![Platform::Shop, Platform::Allegro], |p| vec![p])
}

/// Renders every template with every sample, in the shop's and the marketplace's layout.
fn each(mut run: impl FnMut(&TemplateInfo, Platform, &str, &Rendered)) {
    let catalogue = embedded();
    for info in catalogue.templates() {
        for (name, context) in samples(info.kind) {
            for platform in platforms(info) {
                let rendered = catalogue
                    .render(
                        info.kind,
                        &LocaleChain::only(&info.locale),
                        platform,
                        &context,
                    )
                    .unwrap_or_else(|error| panic!("{} {name}: {error}", info.name));
                assert_eq!(rendered.template_name, info.name);
                run(info, platform, name, &rendered);
            }
        }
    }
}

#[test]
fn the_embedded_templates_pass_every_check() {
    let problems = Catalogue::embedded().err().unwrap_or_default();
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}

#[test]
fn every_kind_is_there_in_english_and_the_common_ones_in_german_and_polish() {
    let catalogue = embedded();
    for kind in MailKind::ALL {
        let found = catalogue.choose(kind, &only("en"), Platform::Shop);
        assert!(found.is_some(), "{kind}");
    }
    for kind in [
        "accepted",
        "paid",
        "shipped",
        "delay",
        "follow_up",
        "review_request",
    ] {
        for locale in ["de", "pl"] {
            let found = catalogue.choose(kind.parse().unwrap(), &only(locale), Platform::Shop);
            assert_eq!(found.unwrap().name, format!("{kind}/{locale}.hbs"));
        }
    }
}

#[test]
fn every_mail_of_every_sample_is_whole() {
    each(|info, platform, sample, mail| {
        let Rendered {
            subject,
            preheader,
            html,
            text,
            ..
        } = mail;
        let place = format!("{} {platform} {sample}", info.name);
        for part in [subject, preheader, html, text] {
            for broken in ["{{", "}}", " ,", "null", "undefined", "zhbz"] {
                assert!(!part.contains(broken), "{place}: `{broken}` in {part}");
            }
        }
        assert!(html.len() < 60 * 1024, "{place}: {} bytes", html.len());
        assert!(!html.contains("<p></p>"), "{place}");
        assert!(
            html.contains(&format!("lang=\"{}\" dir=\"ltr\"", info.locale)),
            "{place}"
        );
        assert!(html.contains("role=\"presentation\""), "{place}");
        for broken in [
            "</", "<p", "<td", "&nbsp;", "&amp;", "&#39;", "style=", "\n\n\n",
        ] {
            assert!(!text.contains(broken), "{place}: `{broken}` in {text}");
        }
        let reference = if sample == "long_words" {
            "4444"
        } else {
            "KL-10482"
        };
        assert!(
            text.contains(reference) && html.contains(reference),
            "{place}"
        );
        assert_ne!(subject, preheader);
        if sample == "plain" {
            assert!(subject.chars().count() <= 50, "{place}: {subject}");
            assert!(
                (40..=100).contains(&preheader.chars().count()),
                "{place}: {} {preheader}",
                preheader.chars().count()
            );
        }
    });
}

#[test]
fn the_linter_objects_to_no_mail_on_any_platform() {
    let mut findings = std::collections::BTreeSet::new();
    each(|info, platform, sample, mail| {
        if sample == "sixty_items" {
            return;
        }
        let field = |kind, text| lint::Field {
            kind,
            text,
            name: None,
        };
        let draft = lint::Draft {
            fields: vec![
                field(lint::FieldKind::Subject, mail.subject.as_str()),
                field(lint::FieldKind::Preheader, mail.preheader.as_str()),
                field(lint::FieldKind::BodyHtml, mail.html.as_str()),
                field(lint::FieldKind::BodyText, mail.text.as_str()),
            ],
            vars: Vec::new(),
        };
        // The marketplaces share a layout, so one rendering stands for all of them.
        let judged: Vec<Platform> = match (info.platform, platform) {
            (Some(own), _) => vec![own],
            (None, Platform::Shop) => vec![Platform::Shop],
            (None, _) => Platform::ALL
                .into_iter()
                .filter(|p| p.is_marketplace())
                .collect(),
        };
        for platform in judged {
            let profile = lint::Profile::new(Some(platform), info.kind, info.locale.clone());
            for found in lint::check(&draft, &profile) {
                if found.severity > lint::Severity::Info {
                    findings.insert(format!(
                        "{} {platform} {sample}: {:?} {} `{}`: {}",
                        info.name,
                        found.field_kind,
                        found.rule.code(),
                        found.excerpt,
                        found.message
                    ));
                }
            }
        }
    });
    assert_eq!(findings, std::collections::BTreeSet::new());
}

#[test]
fn nothing_is_loaded_but_the_sellers_own_logo() {
    each(|info, platform, sample, mail| {
        for (at, _) in mail.html.match_indices("src=\"") {
            assert!(
                mail.html[at..].starts_with("src=\"https://kiln.example/logo.png\""),
                "{} {sample}",
                info.name
            );
            assert_eq!(platform, Platform::Shop, "{}", info.name);
        }
        for loaded in ["url(", "<link", "<script", "@import", "@font-face"] {
            assert!(
                !mail.html.contains(loaded),
                "{} {sample}: {loaded}",
                info.name
            );
        }
    });
}

#[test]
fn the_text_part_of_each_template() {
    let catalogue = embedded();
    for info in catalogue.templates() {
        let platform = platforms(info)[0];
        let context = sample(info.kind, "plain");
        let mail = catalogue
            .render(
                info.kind,
                &LocaleChain::only(&info.locale),
                platform,
                &context,
            )
            .unwrap();
        let name = info.name.replace('/', "-").replace(".hbs", "");
        insta::assert_snapshot!(
            name,
            format!("{}\n{}\n\n{}", mail.subject, mail.preheader, mail.text)
        );
    }
}

#[test]
fn only_relationship_mail_has_a_way_out_and_only_where_the_channel_has_one() {
    each(|info, platform, sample, mail| {
        let is_relationship = info.kind.class() == MailClass::Relationship;
        let expected =
            is_relationship && sample != "missing_optional" && platform != Platform::Amazon;
        for part in [&mail.html, &mail.text] {
            let has_link = part.contains("https://kiln.example/u/");
            assert_eq!(has_link, expected, "{} {sample}", info.name);
        }
    });
}

#[test]
fn a_marketplace_mail_has_no_contact_data_and_no_shop_links() {
    each(|info, platform, sample, mail| {
        if platform.is_marketplace() && info.kind.class() == MailClass::Transactional {
            for part in [&mail.html, &mail.text] {
                for own in ["hello@kiln.example", "/help", "/privacy", "Beispielweg"] {
                    assert!(!part.contains(own), "{} {sample}: {own}", info.name);
                }
            }
        }
        if platform == Platform::Amazon {
            assert!(!mail.html.contains("href="), "{} {sample}", info.name);
        }
    });
}

#[test]
fn the_follow_up_never_speaks_of_reviews() {
    each(|info, _, sample, mail| {
        if info.kind == MailKind::FollowUp {
            let all = format!("{}{}{}", mail.subject, mail.preheader, mail.text).to_lowercase();
            for word in [
                "review", "rating", "rate ", "stars", "feedback", "bewert", "stern", "opini",
                "ocen", "gwiazd",
            ] {
                assert!(!all.contains(word), "{} {sample}: {word}", info.name);
            }
        }
    });
}

#[test]
fn the_review_request_has_one_review_link() {
    each(|info, platform, sample, mail| {
        if info.kind == MailKind::ReviewRequest && platform == Platform::Shop {
            let count = mail.html.matches("/KL-10482/review\"").count();
            assert_eq!(count, 1, "{} {sample}", info.name);
        }
    });
}

#[test]
fn hostile_values_are_text_in_every_part() {
    let catalogue = embedded();
    let mut context = sample(MailKind::Accepted, "plain");
    context.buyer.first_name = Some("<img src=x onerror=alert(1)>{{shop.name}}".to_owned());
    context.order.items[0].title = "\"><script>alert('x')</script> & {{#each order}}".to_owned();
    context.shop.name = "A\" onmouseover=\"x".to_owned();
    let mail = catalogue
        .render(MailKind::Accepted, &only("en"), Platform::Shop, &context)
        .unwrap();
    assert!(!mail.html.contains("<script"));
    assert!(!mail.html.contains("<img src=x"));
    assert!(!mail.html.contains("\" onmouseover"));
    assert!(
        mail.html
            .contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; {{#each order}}")
    );
    assert!(
        mail.text
            .contains("\"><script>alert('x')</script> & {{#each order}}")
    );
    assert!(
        mail.text.contains("{{shop.name}}"),
        "a value is never a template"
    );
}

#[test]
fn an_address_that_is_no_link_stops_the_mail_and_is_not_repeated() {
    let catalogue = embedded();
    let mut context = sample(MailKind::Accepted, "plain");
    context.order.url = Some("javascript:alert('secret')".to_owned());
    let error = catalogue
        .render(MailKind::Accepted, &only("en"), Platform::Shop, &context)
        .unwrap_err();
    let RenderError::Value { file, line, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!((file.as_str(), *line), ("partials/button.hbs", 2));
    assert!(!error.to_string().contains("secret"), "{error}");
}

#[test]
fn a_subject_is_one_clean_line() {
    let catalogue = embedded();
    let mut context = sample(MailKind::Accepted, "plain");
    context.order.reference = format!("1\r\nBcc: a@b.example\u{202e}{}", "9".repeat(300));
    let mail = catalogue
        .render(MailKind::Accepted, &only("en"), Platform::Shop, &context)
        .unwrap();
    assert!(mail.subject.starts_with("Order 1 Bcc: a@b.example 999"));
    assert_eq!(mail.subject.chars().count(), 200);
}

#[test]
fn a_mail_beyond_the_limit_is_refused() {
    let catalogue = embedded();
    let mut context = sample(MailKind::Accepted, "plain");
    let item = context.order.items[0].clone();
    context.order.items = vec![item; 5_000];
    let found = catalogue.render(MailKind::Accepted, &only("en"), Platform::Shop, &context);
    assert!(matches!(found, Err(RenderError::TooLarge { .. })));
}

#[test]
fn the_locale_chain_decides_the_language_and_the_region_the_formats() {
    let catalogue = embedded();
    let render = |buyer: &str, channel: &str| {
        let chain = LocaleChain::new(
            Some(&buyer.parse().unwrap()),
            &channel.parse().unwrap(),
            &Locale::english(),
        );
        let context = sample(MailKind::Accepted, "plain");
        catalogue
            .render(MailKind::Accepted, &chain, Platform::Shop, &context)
            .unwrap()
    };
    let austrian = render("de-AT", "en");
    assert_eq!(austrian.locale.as_str(), "de");
    assert!(austrian.text.contains("€\u{a0}54,80"), "{}", austrian.text);
    assert_eq!(render("fr", "pl-PL").locale.as_str(), "pl");
    assert_eq!(render("fr", "es").locale.as_str(), "en");
    let context = sample(MailKind::Customs, "plain");
    let missing = catalogue.render(MailKind::Customs, &only("de"), Platform::Shop, &context);
    assert!(matches!(missing, Err(RenderError::NoTemplate { .. })));
}

#[test]
fn a_platforms_own_template_is_preferred_there_only() {
    let catalogue = embedded();
    let name = |platform| {
        catalogue
            .choose(MailKind::Delay, &only("en"), platform)
            .map(|info| info.name.clone())
    };
    assert_eq!(
        name(Platform::Amazon).as_deref(),
        Some("delay/en.amazon.hbs")
    );
    assert_eq!(name(Platform::Ebay).as_deref(), Some("delay/en.hbs"));
}

#[test]
fn the_hash_follows_the_content_also_of_partials_and_words() {
    let hash = |change: Option<(&str, &str)>| {
        let mut files = frame_with(&["accepted/en.hbs"]);
        if let Some((name, text)) = change {
            files.insert(name, text);
        }
        Catalogue::load(&files, &Wanted::default())
            .unwrap()
            .render(
                MailKind::Accepted,
                &only("en"),
                Platform::Shop,
                &sample(MailKind::Accepted, "plain"),
            )
            .unwrap()
            .content_hash
    };
    let first = hash(None);
    assert_eq!(first, hash(None));
    assert_ne!(
        first,
        hash(Some(("partials/greeting.hbs", "<mj-text>x</mj-text>")))
    );
    assert_eq!(
        first,
        hash(Some((
            "words/pl.txt",
            include_str!("../../../templates/words/pl.txt")
        )))
    );
}

#[test]
fn a_hand_written_text_replaces_the_made_one() {
    let mut files = frame_with(&["accepted/en.hbs"]);
    files.insert(
        "accepted/en.txt.hbs",
        "{{word \"greeting\"}}\n\n  Order & {{order.ref}}\n\n\n\nBye\n",
    );
    let catalogue = Catalogue::load(&files, &Wanted::default()).unwrap();
    let context = sample(MailKind::Accepted, "plain");
    let mail = catalogue
        .render(MailKind::Accepted, &only("en"), Platform::Shop, &context)
        .unwrap();
    assert_eq!(mail.text, "Hi Anna,\n\n  Order & KL-10482\n\nBye\n");
}

#[test]
fn a_reply_is_put_into_its_frame() {
    let catalogue = embedded();
    let mut context = sample(MailKind::ComplaintReply, "plain");
    context.set_reply("First <b>.\n\nSecond\nline.\n\n \n\n");
    let Part::Reply(part) = &context.part else {
        panic!()
    };
    assert_eq!(part.reply.paragraphs, ["First <b>.", "Second line."]);
    let mail = catalogue
        .render(
            MailKind::ComplaintReply,
            &only("en"),
            Platform::Amazon,
            &context,
        )
        .unwrap();
    assert!(mail.html.contains("First &lt;b&gt;."));
}

#[test]
fn a_language_from_right_to_left_turns_the_page_around() {
    let mut files = frame_with(&["paid/en.hbs"]);
    let english = files.get("paid/en.hbs").unwrap().to_owned();
    let words = files.get("words/en.txt").unwrap().to_owned();
    files.insert(
        "paid/he.hbs",
        english.replace("one=\"# day\"", "one=\"# day\" two=\"# days\""),
    );
    files.insert("words/he.txt", words);
    let catalogue = Catalogue::load(&files, &Wanted::default()).unwrap();
    let context = sample(MailKind::Paid, "plain");
    let mail = catalogue
        .render(MailKind::Paid, &only("he"), Platform::Shop, &context)
        .unwrap();
    assert!(mail.html.contains("lang=\"he\" dir=\"rtl\""));
    assert!(!mail.html.contains("text-align:left"), "{}", mail.html);
    assert!(!mail.html.contains("direction: ltr"), "{}", mail.html);
}

mod faults {
    use super::*;

    /// Loads the embedded files with one changed; finds the fault by its words.
    fn problems(name: &str, text: &str, wanted: &Wanted) -> Vec<TemplateProblem> {
        let mut files = frame_with(&["accepted/en.hbs"]);
        files.insert(name, text);
        Catalogue::load(&files, wanted).err().unwrap_or_default()
    }

    fn check(name: &str, text: &str, at: (&str, usize, usize), words: &str) {
        let found = problems(name, text, &Wanted::default());
        assert!(
            found
                .iter()
                .any(|p| p.message.contains(words) && (p.file.as_str(), p.line, p.column) == at),
            "{words} at {at:?}: {found:#?}"
        );
    }

    fn mail(body: &str) -> String {
        format!(
            "---\nsubject: s {{{{order.ref}}}}\npreheader: p\ndescription: d\n---\n<mj-section><mj-column>\n{body}\n</mj-column></mj-section>\n"
        )
    }

    fn in_mail(body: &str, column: usize, words: &str) {
        check(
            "paid/en.hbs",
            &mail(body),
            ("paid/en.hbs", 7, column),
            words,
        );
    }

    #[test]
    fn each_fault_of_a_mail_is_found_at_its_line_and_column() {
        in_mail(
            "<mj-text>{{ordr.ref}}</mj-text>",
            12,
            "no variable `ordr.ref`",
        );
        in_mail(
            "<mj-text>{{#if order.rf}}x{{/if}}</mj-text>",
            16,
            "no variable",
        );
        in_mail(
            "<mj-text>{{shout order.ref}}</mj-text>",
            12,
            "no helper `shout`",
        );
        in_mail("<mj-text>{{{order.ref}}}</mj-text>", 10, "without escaping");
        in_mail("{{> no_such}}", 5, "no partial `no_such`");
        in_mail("{{#> card title=\"x\"}}{{/card}}", 1, "partial blocks");
        in_mail("<mj-text>{{buyer.name}}</mj-text>", 12, "may be missing");
        in_mail(
            "<mj-text>{{parcel.carrier}}</mj-text>",
            12,
            "no variable `parcel.carrier`",
        );
        in_mail("<mj-text><p>x</mj-text>", 14, "`</mj-text>` closes `<p>`");
        in_mail("<mj-txt>x</mj-txt>", 1, "no tag `<mj-txt>`");
        in_mail(
            "<mj-text colour=\"red\">x</mj-text>",
            10,
            "no attribute `colour`",
        );
        in_mail(
            "<mj-text><a href=\"http://x.example\">x</a></mj-text>",
            19,
            "https",
        );
        in_mail("<mj-text>{{word \"nope\"}}</mj-text>", 17, "no word `nope`");
        in_mail(
            "<mj-image src=\"https://x.example/a.png\" width=\"10px\"/>",
            1,
            "needs `alt`",
        );
        in_mail(
            "{{> button to=order.url label=\"x\" order=\"y\"}}",
            41,
            "would hide",
        );
    }

    #[test]
    fn faults_of_heads_words_partials_and_names_are_found_too() {
        check(
            "paid/en.hbs",
            "---\nsubject: s {{order.reff}}\npreheader: p\ndescription: d\n---\n",
            ("paid/en.hbs", 2, 14),
            "no variable `order.reff`",
        );
        check(
            "paid/en.hbs",
            "---\nsubject: s\ntitel: x\n---\n",
            ("paid/en.hbs", 3, 1),
            "no key",
        );
        check(
            "words/en.txt",
            "greeting: Hi {{buyer.first_name}},\n",
            ("words/en.txt", 1, 16),
            "may be missing",
        );
        check(
            "partials/sign_off.hbs",
            "<mj-text>\n {{shop.nam}}</mj-text>",
            ("partials/sign_off.hbs", 2, 4),
            "no variable `shop.nam`",
        );
        check("payd/en.hbs", "x", ("payd/en.hbs", 1, 1), "no mail kind");
        check(
            "accepted/EN.hbs",
            &mail("<mj-text>x</mj-text>"),
            ("accepted/en.hbs", 1, 1),
            "same mail",
        );
        check(
            "partials/unused.hbs",
            "a{{{b}}}",
            ("partials/unused.hbs", 1, 2),
            "escaping",
        );
        check(
            "paid/english.hbs",
            "x",
            ("paid/english.hbs", 1, 1),
            "no locale",
        );
        check(
            "paid/en.amazone.hbs",
            "x",
            ("paid/en.amazone.hbs", 1, 1),
            "no platform",
        );
        check(
            "paid/xx.txt.hbs",
            "x",
            ("paid/xx.txt.hbs", 1, 1),
            "there is no paid/xx.hbs",
        );
    }

    #[test]
    fn partials_that_include_each_other_are_refused_before_anything_runs() {
        let mut files = frame_with(&["accepted/en.hbs"]);
        files.insert("partials/sign_off.hbs", "{{> greeting}}");
        files.insert("partials/greeting.hbs", "{{> sign_off}}");
        let found = Catalogue::load(&files, &Wanted::default()).unwrap_err();
        assert!(found.iter().any(|p| p.message.contains("includes itself")));
    }

    #[test]
    fn all_faults_of_all_files_are_told_at_once_and_each_once() {
        let mut files = frame_with(&["accepted/en.hbs", "accepted/de.hbs"]);
        files.insert("paid/en.hbs", mail("<mj-text>{{a}}</mj-text>{{b}}"));
        files.insert("delay/de.hbs", mail("<mj-text>{{c}}</mj-text>"));
        files.insert("partials/sign_off.hbs", "<mj-text>{{d}}</mj-text>");
        let found = Catalogue::load(&files, &Wanted::default()).unwrap_err();
        for name in ["a", "b", "c", "d"] {
            let message = format!("there is no variable `{name}`");
            let count = found.iter().filter(|p| p.message == message).count();
            assert_eq!(count, 1, "{name}: {found:#?}");
        }
    }

    #[test]
    fn a_near_name_is_offered() {
        let found = problems(
            "paid/en.hbs",
            &mail("<mj-text>{{order.reff}}</mj-text>"),
            &Wanted::default(),
        );
        assert_eq!(found[0].hint, "did you mean `order.ref`?");
        assert_eq!(found[0].excerpt, "<mj-text>{{order.reff}}</mj-text>");
    }

    #[test]
    fn an_enabled_locale_without_its_mail_is_a_fault() {
        let wanted = Wanted {
            kinds: [MailKind::Customs, MailKind::Paid].into(),
            locales: ["de-AT".parse().unwrap(), "en".parse().unwrap()].into(),
        };
        let found = Catalogue::load(
            &frame_with(&["customs/en.hbs", "paid/en.hbs", "paid/de.hbs"]),
            &wanted,
        )
        .unwrap_err();
        let names: Vec<&str> = found.iter().map(|p| p.file.as_str()).collect();
        assert_eq!(names, ["customs/de.hbs"]);
    }

    #[test]
    fn a_file_beyond_256_kb_is_refused_unread() {
        let found = problems("paid/en.hbs", &"x".repeat(257 * 1024), &Wanted::default());
        assert!(found[0].message.contains("256 kB"));
    }

    #[test]
    fn a_plural_needs_the_forms_of_its_language() {
        let body = "<mj-text>{{plural order.items one=\"#\" other=\"#\"}}</mj-text>";
        in_mail(body, 19, "cannot write `order.items`");
        let text = "---\nsubject: s\npreheader: p\ndescription: d\n---\n<mj-section><mj-column><mj-text>{{plural refund.visible_days one=\"#\" few=\"#\"}}</mj-text></mj-column></mj-section>";
        check(
            "refund/pl.hbs",
            text,
            ("refund/pl.hbs", 6, 35),
            "lacks the form `many`",
        );
    }
}
