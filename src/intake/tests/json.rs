use super::*;

#[test]
fn json_lines_and_an_array_of_the_same_objects_give_the_same() {
    let array = format!("[\n{}\n]", SAMPLE_JSONL.trim().replace('\n', ",\n"));
    let events = |text: &str| -> Vec<OrderEvent> {
        records(text)
            .into_iter()
            .flat_map(|r| r.unwrap().events)
            .collect()
    };
    assert_eq!(events(SAMPLE_JSONL), events(&array));
}

#[test]
fn a_broken_line_costs_itself_alone() {
    check(
        "{\"order_ref\":\"X1\",\"accepted_at\":\"2026-03-02\"}\n{\"order_ref\":\n\n[1]\n{\"order_ref\":7,\"paid_at\":\"2026-03-02\"}\n{\"a\":1}\n",
        &[
            Ok(&["order_accepted"]),
            Err("line 2: broken JSON behind character"),
            Err("line 4: this is no object"),
            Ok(&["payment_received"]),
            Err("line 6 (`order_ref`): the record names no order"),
        ],
    );
    check(
        "{\n\"order_ref\":1}\n",
        &[Err("write each object on one line"), Err("broken JSON")],
    );
}

#[test]
fn a_broken_array_ends_with_its_line() {
    check(
        "[{\"order_ref\":1,\"paid_at\":\"2026-03-02\"}\n,\n{\"order_ref\":",
        &[
            Ok(&["payment_received"]),
            Err("line 3: the array ends before its closing bracket"),
        ],
    );
    check(
        "[{\"order_ref\":1,\"paid_at\":\"2026-03-02\"},\n 5, {}]",
        &[
            Ok(&["payment_received"]),
            Err("line 2: the array holds something that is no object"),
        ],
    );
    check(
        "[{\"order_ref\":\"a]}\\\"\",\"paid_at\":\"2026-03-02\"} , {\"x\":}\n]",
        &[Ok(&["payment_received"]), Err("line 1: broken JSON")],
    );
    check("[]", &[]);
}

#[test]
fn events_that_cannot_be_are_refused_with_the_way_out() {
    let event = |rest: &str| {
        format!("{{\"order_ref\":\"X1\",\"occurred_at\":\"2026-03-02T10:00:00Z\",{rest}}}\n")
    };
    for (rest, part) in [
        (
            "\"kind\":\"deliverd\"",
            "line 1 (`kind`): `deliverd` is no event kind; did you mean `delivered`?",
        ),
        ("\"kind\":\"qqq\"", "known are order_accepted, "),
        (
            "\"kind\":\"delivered\"",
            "line 1 (`parcel_ref`): `delivered` is about a parcel and names none",
        ),
        (
            "\"kind\":\"step_skipped\",\"data\":{\"step\":\"x\",\"reason\":\"y\"}",
            "written by afternote alone",
        ),
        (
            "\"kind\":\"order_accepted\",\"data\":{\"lines\":[{\"title\":\"Cup\"}]}",
            "missing field `line_ref`",
        ),
        (
            "\"kind\":\"order_accepted\",\"data\":{\"buyer\":{\"email\":[\"anna@example.com\"]}}",
            "(`data.buyer.email`): the value does not fit",
        ),
        (
            "\"kind\":\"delayed\",\"data\":{\"expected_at\":\"anna@example.com\"}",
            "(`data.expected_at`)",
        ),
        (
            "\"kind\":\"cancelled\",\"test\":\"anna@example.com\"",
            "(`test`): the value does not fit; expected is a boolean",
        ),
    ] {
        let error = records(&event(rest)).remove(0).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert!(!error.contains("anna"), "{error}");
    }
    check(
        "{\"order_ref\":\"X1\",\"kind\":\"cancelled\"}\n",
        &[Err("(`occurred_at`)")],
    );
}

#[test]
fn keys_nobody_reads_are_warned_of() {
    for (line, part) in [
        (
            "{\"order_ref\":1,\"paid_at\":\"2026-03-02\",\"paymentmethod\":\"card\"}",
            "(`paymentmethod`): nobody reads this key; did you mean `payment_method`?",
        ),
        (
            "{\"order_ref\":1,\"paid_at\":\"2026-03-02\",\"sku\":\"A\"}",
            "(`sku`): not read here: it belongs into an element of `lines`",
        ),
        (
            "{\"order_ref\":1,\"accepted_at\":\"2026-03-02\",\"lines\":[{\"title\":\"Cup\",\"qty\":2}]}",
            "(`lines[0].qty`): nobody reads this key; did you mean `quantity`?",
        ),
        (
            "{\"order_ref\":1,\"kind\":\"cancelled\",\"occurred_at\":\"2026-03-02\",\"data\":{\"by\":\"buyer\",\"raeson\":\"x\"}}",
            "(`data.raeson`): nobody reads this key",
        ),
        (
            "{\"order_ref\":1,\"kind\":\"cancelled\",\"occurred_at\":\"2026-03-02\",\"sorce\":\"x\"}",
            "(`sorce`): nobody reads this key; did you mean `source`?",
        ),
    ] {
        let record = records(line).remove(0).unwrap();
        let warnings: Vec<String> = record.warnings.iter().map(ToString::to_string).collect();
        assert!(
            warnings.iter().any(|warning| warning.contains(part)),
            "{warnings:?}"
        );
    }
}

#[test]
fn json_values_have_limits_too() {
    let long = "x".repeat(MAX_FIELD + 1);
    let huge = format!("{{\"order_ref\":\"{}\"}}", "x".repeat(MAX_RECORD));
    let text = format!(
        "{{\"order_ref\":1,\"buyer_name\":\"{long}\"}}\n{huge}\n{{\"order_ref\":1,\"title\":\"\\u0000\"}}\n{{\"order_ref\":1,\"paid_at\":\"2026-03-02\"}}\n"
    );
    check(
        &text,
        &[
            Err("line 1: a value is longer than 64 kB"),
            Err("line 2: the record is longer than 1 MiB"),
            Err("line 3: a value contains a NUL"),
            Ok(&["payment_received"]),
        ],
    );
    check(
        &format!("[{huge},{{\"order_ref\":1,\"paid_at\":\"2026-03-02\"}}]"),
        &[
            Err("the record is longer than 1 MiB"),
            Ok(&["payment_received"]),
        ],
    );
}

#[test]
fn a_parcel_cannot_hold_a_line_the_order_does_not_have() {
    check(
        "{\"order_ref\":1,\"accepted_at\":\"2026-03-02\",\"lines\":[{\"sku\":\"A\",\"title\":\"Cup\"}],\"parcels\":[{\"shipped_at\":\"2026-03-03\",\"line_refs\":[\"B\"]}]}\n",
        &[Err(
            "(`parcels[0].line_refs`): the parcel names a line the order does not have",
        )],
    );
}

#[test]
fn tags_of_a_list_keep_their_commas() {
    let told = |tags: &str| {
        let line = format!("{{\"order_ref\":1,\"accepted_at\":\"2026-03-02\",\"tags\":{tags}}}");
        told(line.as_bytes(), options())
    };
    assert!(told("[\"a, b\",\"c\"]").contains("\"tags\":[\"a, b\",\"c\"]"));
    assert!(told("[\"a, b\"]").contains("\"tags\":[\"a, b\"]"));
    assert!(told("\"a, b\"").contains("\"tags\":[\"a\",\"b\"]"));
}

#[test]
fn an_order_has_at_most_a_thousand_lines() {
    let lines = vec!["{\"title\":\"Cup\"}"; 1_001].join(",");
    check(
        &format!("{{\"order_ref\":1,\"accepted_at\":\"2026-03-02\",\"lines\":[{lines}]}}"),
        &[Err("line 1 (`lines`): the order has more than 1000 lines")],
    );
}
