//! Order stories: one text file each, played from the first event to the last mail.
//!
//! Each snapshot is the whole story of an order's mails, sent and not sent. Both engines must
//! tell the same.

use std::collections::BTreeSet;

use crate::support::story::Story;

macro_rules! stories {
    ($($name:ident,)+) => {
        /// The stories that are played.
        const STORIES: &[&str] = &[$(stringify!($name)),+];

        $(mod $name {
            use super::*;

            const TEXT: &str = include_str!(concat!("../stories/", stringify!($name), ".txt"));

            async fn test(database: &crate::support::Database) {
                let told = Story::read(TEXT).play(database).await;
                insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
                    insta::assert_snapshot!(stringify!($name), told);
                });
            }

            #[tokio::test]
            async fn sqlite() {
                crate::support::on_sqlite(test).await;
            }

            #[tokio::test]
            async fn postgres() {
                crate::support::on_postgres(test).await;
            }
        })+
    };
}

stories! {
    address_bounces,
    all_goes_well,
    broken_address,
    buyer_says_delivered,
    cancelled,
    cancelled_and_reopened,
    cancelled_before_shipping_mail,
    cap,
    clocks_go_back_in_california,
    clocks_go_forward,
    complaint_after_follow_up,
    complaint_closed_in_time,
    complaint_never_closed,
    customs,
    delay_announced,
    delay_announced_twice,
    delivered_before_the_shipping_mail,
    download,
    easter,
    everything_is_told_at_once,
    guessed_delivery,
    history,
    history_activated,
    history_activated_too_late,
    label_withdrawn,
    late_second_parcel,
    lost,
    lost_and_found,
    message_answered,
    message_unanswered,
    no_address,
    no_allowed_day,
    no_basis,
    notice_in_france,
    on_aliexpress,
    on_allegro,
    on_amazon,
    on_ebay,
    only_the_day_is_known,
    operator_pauses,
    operator_pauses_for_good,
    operator_resends,
    operator_sends_now,
    operator_skips,
    opted_out,
    out_of_stock,
    overnight,
    parcels_leave_together,
    pay_on_delivery,
    pickup_collected,
    pickup_collected_late,
    pickup_not_collected,
    promise_missed,
    promise_missed_before_shipping,
    refund_in_full,
    refund_in_part,
    refund_in_two_parts,
    return_completed,
    return_requested,
    return_withdrawn,
    review_left_early,
    second_parcel_never_shipped,
    sent_again,
    shop_says_delivered,
    shop_stops_and_starts,
    shop_stops_for_long,
    split_parcels,
    stopped_by_staff,
    switched_on_in_between,
    test_order,
    told_in_time,
    told_late,
    two_orders_of_one_buyer,
}

#[test]
fn every_story_is_played() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");
    let files: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    assert_eq!(files, STORIES.iter().map(|&name| name.to_owned()).collect());
}
