use super::*;

fn expand(files: &[(&str, &str)], body: &str) -> (String, Vec<(String, usize, usize, String)>) {
    let mut all = TemplateFiles::empty();
    for (name, text) in files {
        all.insert(name, *text);
    }
    all.insert("m.hbs", body);
    let words: Words = [("hi", "Hi & {{name}}"), ("loop", "{{word \"loop\"}}")]
        .into_iter()
        .map(|(key, value)| {
            let entry = Entry {
                key: key.to_owned(),
                value: value.to_owned(),
                at: 0,
            };
            (key.to_owned(), ("words/en.txt".to_owned(), entry))
        })
        .collect();
    let mut problems = BTreeSet::new();
    let out = Expander {
        files: &all,
        words: &words,
        words_file: "words/en.txt",
        slots: BTreeMap::new(),
        reserved: &["order"],
        target: Target::Markup,
        problems: &mut problems,
    }
    .run(&Stretch {
        file: "m.hbs",
        text: body,
        at: 0,
        plain: false,
    });
    let problems = problems
        .into_iter()
        .map(|p| (p.file, p.line, p.column, p.message))
        .collect();
    (out.text, problems)
}

fn check(files: &[(&str, &str)], body: &str, expected: &str) {
    let (text, problems) = expand(files, body);
    assert_eq!(problems, [], "{body}");
    assert_eq!(text, expected);
}

fn check_problem(
    files: &[(&str, &str)],
    body: &str,
    file: &str,
    place: (usize, usize),
    words: &str,
) {
    let (_, problems) = expand(files, body);
    let found = problems
        .iter()
        .find(|(_, _, _, message)| message.contains(words));
    let Some((in_file, line, column, _)) = found else {
        panic!("{body}: {problems:?}");
    };
    assert_eq!((in_file.as_str(), (*line, *column)), (file, place));
}

#[test]
fn keys_of_a_partial_become_what_was_passed() {
    check(
        &[(
            "partials/b.hbs",
            "<a href=\"{{url to}}\">{{label}}</a>{{#each list}}{{title}}{{/each}}",
        )],
        "{{> b to=order.url label=\"A & B\" list=this.items}}",
        "<a href=\"{{url order.url}}\">A &amp; B</a>{{#each this.items}}{{title}}{{/each}}",
    );
}

#[test]
fn keys_reach_through_nested_partials_and_words() {
    check(
        &[
            ("partials/a.hbs", "{{> b p=p.first label=(word \"hi\")}}"),
            ("partials/b.hbs", "{{#if p}}{{p.name}}{{/if}}{{label}}"),
        ],
        "{{> a p=parcel}}{{word 'hi'}}",
        "{{#if parcel.first}}{{parcel.first.name}}{{/if}}Hi &amp; {{name}}Hi &amp; {{name}}",
    );
}

#[test]
fn partials_that_include_each_other_are_refused_where_the_round_closes() {
    let files = [
        ("partials/a.hbs", "x\n {{> b}}"),
        ("partials/b.hbs", "y{{> a}}"),
    ];
    check_problem(
        &files,
        "{{> a}}",
        "partials/b.hbs",
        (1, 6),
        "includes itself",
    );
    check_problem(
        &[],
        "{{word \"loop\"}}",
        "words/en.txt",
        (1, 1),
        "include each other",
    );
}

#[test]
fn unknown_partials_words_and_keys_are_named_with_their_place() {
    let files = [("partials/button.hbs", "{{label}}")];
    check_problem(
        &files,
        "a\n{{> buton}}",
        "m.hbs",
        (2, 5),
        "no partial `buton`",
    );
    check_problem(
        &files,
        "{{> button label='x' size='y'}}",
        "m.hbs",
        (1, 27),
        "no key `size`",
    );
    check_problem(
        &files,
        "{{> button order='x'}}",
        "m.hbs",
        (1, 18),
        "would hide",
    );
    check_problem(
        &files,
        "{{word \"hallo\"}}",
        "m.hbs",
        (1, 8),
        "no word `hallo`",
    );
    check_problem(&files, "{{> button 'x'}}", "m.hbs", (1, 12), "pairs only");
}

#[test]
fn places_in_the_whole_lead_back_to_their_files() {
    let mut files = TemplateFiles::empty();
    files.insert("partials/p.hbs", "<b>{{x}}</b>");
    files.insert("m.hbs", "one {{> p}} two");
    let mut problems = BTreeSet::new();
    let out = Expander {
        files: &files,
        words: &Words::new(),
        words_file: "",
        slots: BTreeMap::new(),
        reserved: &[],
        target: Target::Markup,
        problems: &mut problems,
    }
    .run(&Stretch {
        file: "m.hbs",
        text: "one {{> p}} two",
        at: 0,
        plain: false,
    });
    assert_eq!(out.text, "one <b>{{x}}</b> two");
    assert_eq!(out.locate(7), ("partials/p.hbs", 3));
    assert_eq!(out.locate(17), ("m.hbs", 12));
}
