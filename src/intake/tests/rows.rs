use super::*;

#[test]
fn rows_of_an_order_may_stand_apart_a_little() {
    let text = "order_ref,accepted_at,title\nX1,2026-03-02,Cup\nX2,2026-03-02,Tray\nX1,,Bowl\n";
    let found = records(text);
    let crate::order::Fact::OrderAccepted(details) = &found[0].as_ref().unwrap().events[0].fact
    else {
        panic!("{found:?}")
    };
    let titles: Vec<&str> = details
        .lines
        .iter()
        .map(|line| line.title.as_str())
        .collect();
    assert_eq!(titles, ["Cup", "Bowl"]);
    assert_eq!(found.len(), 2);
}

#[test]
fn rows_too_far_apart_are_refused_with_both_lines() {
    let mut text = String::from("order_ref,accepted_at,title\nX1,2026-03-02,Cup\n");
    for number in 0..1_200 {
        writeln!(text, "Y{number},2026-03-02,Cup").unwrap();
    }
    text.push_str("X1,,Bowl\n");
    let found = records(&text);
    let errors: Vec<String> = found
        .iter()
        .filter_map(|item| Some(item.as_ref().err()?.to_string()))
        .collect();
    assert_eq!(errors.len(), 1);
    assert!(
        errors[0].starts_with("line 1203, column 1 (`order_ref`)"),
        "{}",
        errors[0]
    );
    assert!(errors[0].contains("it began in line 2"), "{}", errors[0]);
    assert_eq!(found.len(), 1_202);
}

#[test]
fn rows_of_one_order_must_agree() {
    check(
        "order_ref,accepted_at,buyer_email,title\nX1,2026-03-02,a@example.com,Cup\nX1,,b@example.com,Tray\n",
        &[Err(
            "line 3, column 3 (`buyer_email`): the value differs from the one in line 2",
        )],
    );
    check(
        "order_ref,accepted_at,title,tracking_number,shipped_at\nX1,2026-03-02,Cup,T1,2026-03-03\nX1,,Tray,T1,2026-03-04\n",
        &[Err("line 3, column 5 (`shipped_at`): the value differs")],
    );
}

#[test]
fn a_row_that_cannot_be_split_refuses_its_whole_order() {
    check(
        "order_ref,accepted_at,title\nX1,2026-03-02,Cup\nX1,,\"Tray\nX2,2026-03-02,Bowl\n",
        &[
            Err("line 3, column 3 (`title`): a value begins with a quote that never ends"),
            Ok(&["order_accepted"]),
        ],
    );
}

#[test]
fn rows_without_an_order_or_with_too_many_values_are_refused() {
    check(
        "order_ref,accepted_at\n,2026-03-02\nX1,2026-03-02,surplus\nX2,2026-03-02,\n",
        &[
            Err("line 2, column 1 (`order_ref`): the row names no order"),
            Err("line 3, column 3: the row has a value beyond the 2 columns of the header"),
            Ok(&["order_accepted"]),
        ],
    );
}

#[test]
fn an_order_has_at_most_a_thousand_rows() {
    let mut text = String::from("order_ref,accepted_at,title\n");
    for _ in 0..1_001 {
        text.push_str("X1,2026-03-02,Cup\n");
    }
    text.push_str("X2,2026-03-02,Cup\n");
    check(
        &text,
        &[
            Err("line 1002: the order has more than 1000 rows"),
            Ok(&["order_accepted"]),
        ],
    );
}

#[test]
fn parcels_are_told_apart_by_name_or_number_and_never_share_a_delivery() {
    let text = "order_ref,accepted_at,title,shipped_at,tracking_number,delivered_at\n\
                X1,2026-03-01,Cup,2026-03-02,T1,2026-03-04\nX1,,Tray,2026-03-02,T1,\n\
                X1,,Bowl,2026-03-03,,2026-03-05\nX1,,Dish,2026-03-03,,\n";
    let record = records(text).remove(0).unwrap();
    let parcels: Vec<String> = record
        .events
        .iter()
        .skip(1)
        .map(|e| {
            let parcel = e.parcel_ref.as_deref().unwrap_or("-");
            format!("{} {parcel} {}", e.fact.kind(), e.line_refs.join("+"))
        })
        .collect();
    assert_eq!(
        parcels,
        [
            "shipped T1 1+2",
            "delivered T1 1+2",
            "shipped X1-1 3",
            "delivered X1-1 3",
            "shipped X1-2 4",
        ]
    );
}

#[test]
fn news_of_a_parcel_must_say_which_one() {
    check(
        "order_ref,parcel_ref,tracking_number,delivered_at\nX1,,,2026-03-02\nX2,P,,2026-03-02\nX3,,T,2026-03-02\n",
        &[
            Err("line 2, column 4 (`delivered_at`): nothing says which parcel"),
            Ok(&["delivered"]),
            Ok(&["delivered"]),
        ],
    );
}

#[test]
fn parcels_keep_their_names_when_an_export_changes_its_order() {
    let names = |rows: [&str; 2]| {
        let head = "order_ref,accepted_at,title,shipped_at,tracking_number";
        let text = format!("{head}\n{}\n{}\n", rows[0], rows[1]);
        let record = records(&text).remove(0).unwrap();
        let shipped = record.events.into_iter().skip(1);
        shipped
            .map(|event| event.parcel_ref)
            .collect::<std::collections::BTreeSet<_>>()
    };
    let rows = [
        "X1,2026-03-02,Cup,2026-03-03,T1",
        "X1,2026-03-02,Tray,2026-03-04,T2",
    ];
    assert_eq!(names(rows), names([rows[1], rows[0]]));
}
