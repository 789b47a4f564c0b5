//! Order stories: what happened to an order, day by day, in words a seller can read and check.
//!
//! A story is a text file in `tests/stories`. Lines that begin with `day` tell what happened,
//! `until day N` says how long to watch; `shop:`, `buyer:`, `starts:` and `setting:` describe the
//! order. Every other line is prose. See `tests/stories/README.md` for the words.

use std::{collections::BTreeMap, fmt::Write as _};

use afternote::{
    clock::Instant,
    engine::{
        Intake,
        explain::MailStory,
        operate::{By, OrderAction},
    },
    mail::Address,
    order::{
        Fact, OrderEvent, TimePrecision,
        event::{
            Basis, BasisRecord, BuyerMessage, Cancellation, Complaint, Customs, Delay, Delivery,
            Empty, Hold, Line, OrderDetails, Payment, Pickup, Reason, Refund, ReturnCase,
            ReturnLeg, Rung, Shipment,
        },
    },
    store::rows::Covers,
};
use chrono::{NaiveDate, NaiveTime, TimeDelta, TimeZone as _};
use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::{
    app::{BY, TestApp},
    database::Database,
    orders::{START, details, local},
};

/// A story, read.
pub(crate) struct Story {
    title: String,
    shop: String,
    zone: Tz,
    starts: NaiveDate,
    details: OrderDetails,
    settings: String,
    lines: Vec<(Instant, String)>,
    until: Instant,
}

impl Story {
    /// Reads a story; a line that cannot be understood fails the test and is named.
    pub(crate) fn read(text: &str) -> Self {
        let mut story = Self {
            title: text
                .lines()
                .next()
                .unwrap()
                .trim_start_matches("# ")
                .to_owned(),
            shop: "my-shop".to_owned(),
            zone: chrono_tz::Europe::Berlin,
            starts: START.parse().unwrap(),
            details: details(),
            settings: String::new(),
            lines: Vec::new(),
            until: Instant::default(),
        };
        for line in text.lines().map(str::trim) {
            if let Some(shop) = line.strip_prefix("shop: ") {
                shop.clone_into(&mut story.shop);
            } else if let Some(zone) = line.strip_prefix("clock: ") {
                story.zone = zone.parse().unwrap();
            } else if let Some(date) = line.strip_prefix("starts: ") {
                story.starts = date.parse().unwrap();
            } else if let Some(setting) = line.strip_prefix("setting: ") {
                writeln!(story.settings, "{setting}").unwrap();
            } else if let Some(buyer) = line.strip_prefix("buyer: ") {
                buyer.split(", ").for_each(|word| story.describe(word));
            } else if let Some(day) = line.strip_prefix("until ") {
                story.until = story.moment(&format!("{day} 23:59"));
            } else if line.starts_with("day ") {
                let words: Vec<&str> = line.splitn(4, ' ').collect();
                let moment = story.moment(&words[..3].join(" "));
                story.lines.push((moment, words[3].trim().to_owned()));
            }
        }
        assert!(
            story.until > Instant::default(),
            "{}: no `until`",
            story.title
        );
        story
    }

    /// `day 3 10:00`, by the clock of the story.
    fn moment(&self, text: &str) -> Instant {
        let words: Vec<&str> = text.split(' ').collect();
        let days: i64 = words[1].parse().unwrap();
        let time: NaiveTime = words.get(2).unwrap_or(&"12:00").parse().unwrap();
        local(self.starts + TimeDelta::days(days), time, self.zone)
    }

    fn describe(&mut self, word: &str) {
        let details = &mut self.details;
        let line = |line_ref: &str, ships| Line {
            line_ref: line_ref.to_owned(),
            sku: None,
            title: format!("Article {line_ref}"),
            quantity: 1,
            price: Some(Decimal::TEN),
            ships,
        };
        match word {
            "consent" => {}
            "notice" => {
                details.basis = Some(BasisRecord {
                    basis: Basis::SoftOptIn,
                    at: None,
                    place: None,
                    text_version: None,
                });
            }
            "no basis" => details.basis = None,
            "no address" => details.buyer.email = None,
            "broken address" => details.buyer.email = Some("greta.lindau@".to_owned()),
            "two articles" => {
                details.lines = vec![line("1", true), line("2", true)];
                details.total = Some(Decimal::from(20));
            }
            "a download" => details.lines = vec![line("1", false)],
            place => {
                let (country, region) = place.split_once('-').unwrap_or((place, ""));
                assert_eq!(country.len(), 2, "`{place}` is not known of a buyer");
                details.buyer.country = Some(country.to_owned());
                details.buyer.region = Some(region.to_owned()).filter(|r| !r.is_empty());
            }
        }
    }

    /// Lets it happen and tells what became of every mail.
    pub(crate) async fn play(&self, database: &Database) -> String {
        let app = TestApp::with(database, &self.settings).await;
        app.clock.set(self.moment("day 0 00:00"));
        let mut told: BTreeMap<String, Vec<OrderEvent>> = BTreeMap::new();
        for (at, line) in &self.lines {
            app.run_until(*at).await;
            let (order, what) = match line.split_once(": ") {
                Some((order, what)) if !order.contains(' ') => (order, what),
                _ => ("A", line.as_str()),
            };
            self.happen(
                &app,
                order,
                what,
                *at,
                told.entry(order.to_owned()).or_default(),
            )
            .await;
        }
        app.run_until(self.until).await;
        self.tell(&app, told.keys()).await
    }

    async fn happen(
        &self,
        app: &TestApp,
        order: &str,
        what: &str,
        at: Instant,
        told: &mut Vec<OrderEvent>,
    ) {
        let by: By<'_> = BY;
        let operate = async |action: OrderAction<'_>| {
            let done = app.engine.operate(order, None, action, None, &by).await;
            done.unwrap_or_else(|why| panic!("{}: {what}: {why}", self.title));
        };
        let address: Address = "greta.lindau@example.com".parse().unwrap();
        let words: Vec<&str> = what.split(' ').collect();
        match words[..] {
            ["operator", "pauses"] => operate(OrderAction::Pause).await,
            ["operator", "resumes"] => operate(OrderAction::Resume).await,
            ["operator", "skips", step] => operate(OrderAction::Skip(step)).await,
            ["operator", "resends", step] => operate(OrderAction::Resend(step)).await,
            ["operator", "sends", step, "now"] => operate(OrderAction::SendNow(step)).await,
            ["buyer", "opts", "out"] => {
                let engine = &app.engine;
                let done = engine.suppress(&address, Covers::Relationship, "unsubscribe", &by);
                done.await.unwrap();
            }
            ["address", "bounces"] => {
                let done = app
                    .engine
                    .suppress(&address, Covers::All, "hard_bounce", &by);
                done.await.unwrap();
            }
            ["shop", "stops" | "starts"] => {
                let engine = &app.engine;
                let done = engine.switch(Some(&self.shop), Covers::All, words[1] == "stops", &by);
                done.await.unwrap();
            }
            ["history", "is", "activated"] => {
                app.tell(&self.shop, told.clone(), Intake::Activated).await;
            }
            _ => {
                let event = self.event(order, what, at);
                told.push(event.clone());
                let applied = app.tell(&self.shop, vec![event], Intake::Live).await;
                assert!(
                    applied.refused.is_empty(),
                    "{}: {what}: {applied:?}",
                    self.title
                );
                app.dispatch().await;
            }
        }
        app.dispatch().await;
    }

    fn event(&self, order: &str, what: &str, at: Instant) -> OrderEvent {
        let mut clauses = what.split(", ");
        let verb = clauses.next().unwrap();
        let mut event = OrderEvent {
            source: "story".to_owned(),
            source_event_id: format!("{order}/{what}/{}", at.timestamp()),
            order_ref: order.to_owned(),
            parcel_ref: None,
            line_refs: Vec::new(),
            occurred_at: at,
            precision: TimePrecision::Second,
            received_at: Some(at),
            test: false,
            backfill: false,
            fact: Fact::NeedsReview(Reason::default()),
        };
        let mut until = None;
        let mut modifiers = Vec::new();
        for clause in clauses {
            if let Some(day) = clause
                .strip_prefix("until ")
                .or(clause.strip_prefix("promised "))
            {
                until = Some(self.moment(day));
            } else if let Some(when) = clause.strip_prefix("happened ") {
                event.occurred_at = self.moment(when);
            } else if let Some(line) = clause.strip_prefix("article ") {
                event.line_refs.push(line.to_owned());
            } else if clause == "only the day is known" {
                let day = self.zone.from_utc_datetime(&event.occurred_at.naive_utc());
                event.occurred_at = local(day.date_naive(), NaiveTime::MIN, self.zone);
                event.precision = TimePrecision::Day;
            } else if clause == "a test" {
                event.test = true;
            } else {
                modifiers.push(clause);
            }
        }
        let words: Vec<&str> = verb.split(' ').collect();
        let parcels = ["p1", "p2", "p3"];
        event.parcel_ref = words
            .iter()
            .find(|word| parcels.contains(word))
            .map(|&word| word.to_owned());
        event.fact = self.fact(&words, &modifiers, until);
        event
    }

    fn fact(&self, words: &[&str], modifiers: &[&str], until: Option<Instant>) -> Fact {
        let modifier = modifiers.first().map(|&m| m.to_owned());
        let reference = || words.last().map(|&word| word.to_owned());
        let delay = || Delay {
            expected_at: until,
            reason: None,
        };
        let case = |result: Option<String>| ReturnCase {
            return_ref: reference(),
            reason: None,
            result,
        };
        let complaint = || Complaint {
            complaint_ref: reference(),
            ..Complaint::default()
        };
        let message = || BuyerMessage {
            thread_ref: reference(),
            message_ref: None,
        };
        match *words {
            ["accepted"] => Fact::OrderAccepted(OrderDetails {
                promised_by: until,
                ..self.details.clone()
            }),
            ["paid"] => Fact::PaymentReceived(Payment {
                method: modifier,
                ..Payment::default()
            }),
            ["shipped", _, carrier] => Fact::Shipped(Shipment {
                carrier: Some(carrier.to_owned()),
                tracking_number: Some("T1".to_owned()),
                expected_at: until,
                ..Shipment::default()
            }),
            ["in", "transit", _] => Fact::InTransit(Empty {}),
            ["out", "for", "delivery", _] => {
                Fact::OutForDelivery(afternote::order::event::Expected::default())
            }
            ["waits", "at", "pick-up", _] => Fact::PickupReady(Pickup {
                pickup_until: until,
                place: Some("Kiosk am Markt".to_owned()),
                ..Pickup::default()
            }),
            ["not", "handed", "over", _] => Fact::DeliveryAttemptFailed(Reason::default()),
            ["delivered", _] => Fact::Delivered(Delivery {
                evidence: Some(match modifier.as_deref() {
                    None | Some("says the carrier") => Rung::Carrier,
                    Some("says the shop") => Rung::Marketplace,
                    Some("says the buyer") => Rung::Buyer,
                    Some("guessed") => Rung::ShipDate,
                    Some(other) => panic!("`{other}` is no evidence"),
                }),
                ..Delivery::default()
            }),
            ["delayed"] | ["delayed", _] => Fact::Delayed(delay()),
            ["out", "of", "stock"] => Fact::OutOfStock(delay()),
            ["held", "by", "customs", _] => Fact::CustomsHold(Customs {
                who_acts: modifier,
                act_by: until,
                ..Customs::default()
            }),
            ["on", "its", "way", "back", _] => Fact::ReturnedToSender(ReturnLeg::default()),
            ["back", "with", "us", _] => Fact::ReturnedToSender(ReturnLeg { is_final: true }),
            ["lost", _] => Fact::Lost(Reason::default()),
            ["label", "withdrawn", _] => Fact::ParcelWithdrawn(Empty {}),
            ["cancelled"] => Fact::Cancelled(Cancellation {
                by: modifier,
                reason: None,
            }),
            ["refunded", amount] => Fact::RefundIssued(Refund {
                amount: Some(amount.parse().unwrap()),
                currency: Some("EUR".to_owned()),
                ..Refund::default()
            }),
            ["return", "requested", _] => Fact::ReturnRequested(case(None)),
            ["return", "completed", _] => Fact::ReturnCompleted(case(modifier)),
            ["complaint", "opened", _] => Fact::ComplaintOpened(complaint()),
            ["complaint", "closed", _] => Fact::ComplaintClosed(complaint()),
            ["buyer", "writes", _] => Fact::BuyerMessageReceived(message()),
            ["we", "answer", _] => Fact::BuyerMessageAnswered(message()),
            ["buyer", "reviews"] => Fact::ReviewLeft(Empty {}),
            ["stopped", "by", "staff"] => Fact::OrderHold(Hold::default()),
            ["released", "by", "staff"] => Fact::OrderReleased(Hold::default()),
            ["address", "corrected"] => Fact::OrderSnapshot(OrderDetails {
                buyer: details().buyer,
                ..OrderDetails::default()
            }),
            _ => panic!(
                "{}: `{}` is not known of an order",
                self.title,
                words.join(" ")
            ),
        }
    }

    async fn tell(&self, app: &TestApp, orders: impl Iterator<Item = &String>) -> String {
        let mut text = format!("{}\n", self.title);
        let subjects: BTreeMap<String, String> = app
            .sent()
            .await
            .into_iter()
            .map(|mail| (mail.message_id, mail.subject))
            .collect();
        for order in orders {
            let story = app.why(order).await;
            let zone: Tz = story.zone.parse().unwrap();
            writeln!(text, "\norder {order}, {}, times in {zone}", story.stage).unwrap();
            let (mut sent, unsent): (Vec<&MailStory>, Vec<&MailStory>) =
                story.mails.iter().partition(|mail| mail.state == "sent");
            sent.sort_by_key(|mail| mail.at);
            for mail in sent {
                let at = zone.from_utc_datetime(&mail.at.unwrap().naive_utc());
                let day = (at.date_naive() - self.starts).num_days();
                let id = mail.message_id.as_deref().unwrap();
                let (at, name) = (at.format("%a %Y-%m-%d %H:%M"), name(mail));
                writeln!(text, "  day {day:>2} {at}  {name}: {}", subjects[id]).unwrap();
            }
            writeln!(text, "  not sent").unwrap();
            for mail in unsent {
                let reason = mail.reason.as_deref().unwrap_or("-");
                if reason == "step_disabled" {
                    continue;
                }
                let link = mail.because.iter().find(|link| link.reason == reason);
                let rule = match (link, &mail.detail) {
                    (Some(link), _) if reason.starts_with("channel") => {
                        format!(" ({})", link.detail.split(':').next().unwrap_or_default())
                    }
                    (_, Some(by)) if reason == "superseded" => format!(" ({by})"),
                    _ => String::new(),
                };
                writeln!(text, "    {}: {}, {reason}{rule}", name(mail), mail.state).unwrap();
            }
        }
        assert_eq!(
            app.mailbox.sent().len(),
            subjects.len(),
            "no mail goes twice"
        );
        text
    }
}

/// Step, scope and revision, as far as they are not the usual ones. Incidents are named by their
/// time, which a reader of the story knows by its day.
fn name(mail: &MailStory) -> String {
    let mut name = mail.step.clone();
    if mail.scope != "order" {
        write!(name, " of {}", mail.scope).unwrap();
    }
    if mail.revision > 0 {
        write!(name, " again ({})", mail.revision).unwrap();
    }
    name
}
