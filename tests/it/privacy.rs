//! Promise 5 and 8 over all demo orders: every mail has a state and a reason, and nothing personal
//! is in any log or error.

use std::{
    collections::BTreeSet,
    io::Write,
    sync::{Arc, Mutex, OnceLock},
};

use afternote::{
    engine::Intake,
    intake::demo,
    order::{Fact, OrderEvent, event::Buyer},
    sequence::Reason,
};
use chrono::TimeDelta;

use crate::support::{Database, TestApp, on_both_engines};

/// Days behind the last event in which mails are still due.
const REST: TimeDelta = TimeDelta::days(60);

/// Plays all demo orders through every channel, to the last mail.
async fn play_demo(database: &Database) -> TestApp {
    let app = TestApp::new(database).await;
    app.clock.set(demo::start());
    // Day by day is enough here; the stories look at the minutes.
    let mut batch: Vec<(String, OrderEvent)> = Vec::new();
    let mut until = demo::start() + TimeDelta::days(1);
    for (channel, event) in demo::events() {
        if event.received_at.unwrap() >= until {
            hand_over(&app, &mut batch).await;
            while event.received_at.unwrap() >= until {
                until += TimeDelta::days(1);
            }
            app.run_until(until - TimeDelta::days(1)).await;
        }
        batch.push((channel, event));
    }
    hand_over(&app, &mut batch).await;
    app.run_until(until + REST).await;
    app
}

async fn hand_over(app: &TestApp, batch: &mut Vec<(String, OrderEvent)>) {
    let channels: BTreeSet<String> = batch.iter().map(|(channel, _)| channel.clone()).collect();
    for name in channels {
        let events = batch
            .iter()
            .filter(|(channel, _)| *channel == name)
            .map(|(_, event)| event.clone());
        app.tell(&name, events.collect(), Intake::Live).await;
    }
    batch.clear();
}

/// Every word of the demo data that would name a buyer.
fn personal() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for (_, event) in demo::events() {
        let (Fact::OrderAccepted(details) | Fact::OrderSnapshot(details)) = event.fact else {
            continue;
        };
        let Buyer {
            email,
            name,
            address_lines,
            ..
        } = details.buyer;
        words.extend(email);
        words.extend(name);
        words.extend(address_lines);
    }
    words.retain(|word| word.len() > 4);
    assert!(words.len() > 60, "{}", words.len());
    words
}

/// What afternote logged in this process, at its most talkative. Work is spread over threads, so
/// only a log of the whole process has it all; that the other tests are in it does no harm.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn of_this_process() -> &'static Self {
        static LOG: OnceLock<Log> = OnceLock::new();
        LOG.get_or_init(|| {
            let log = Self::default();
            let writer = log.clone();
            let subscriber = tracing_subscriber::fmt()
                .with_env_filter("off,afternote=trace,it=trace")
                .with_ansi(false)
                .with_writer(move || writer.clone())
                .finish();
            tracing::subscriber::set_global_default(subscriber).unwrap();
            log
        })
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

on_both_engines! {
    // Promise 5.
    async fn every_mail_of_every_demo_order_has_a_state_and_a_reason(database) {
        let app = play_demo(database).await;
        let rows = app.rows().await;
        assert!(rows.len() > 200, "{}", rows.len());
        for row in &rows {
            let is_told = row.reason.is_some() || row.status == afternote::store::Status::Planned && row.due_at.is_some();
            assert!(is_told, "{} of order {} is {} for no reason", row.step, row.order_id, row.status);
        }
        let orders: BTreeSet<(String, String)> = demo::events()
            .into_iter()
            .map(|(channel, event)| (channel, event.order_ref))
            .collect();
        for (channel, order) in orders {
            let story = app.engine.why(&order, Some(&channel), None).await.unwrap();
            let told: BTreeSet<i64> = story.mails.iter().filter_map(|mail| mail.message).collect();
            let steps: BTreeSet<&str> = story.mails.iter().map(|mail| mail.step.as_str()).collect();
            assert!(steps.contains("follow_up") && steps.contains("review_request"), "{order}");
            for mail in &story.mails {
                let code = mail.reason.as_deref().unwrap_or_default();
                let is_known = Reason::from_code(code).is_some();
                assert!(is_known || mail.state == "scheduled", "{order}: {} is {} for `{code}`", mail.step, mail.state);
            }
            let id = app.engine.find_order(&order, Some(&channel)).await.unwrap().id;
            let of_order = rows.iter().filter(|row| row.order_id == id).map(|row| row.id);
            assert_eq!(told, of_order.collect(), "{order}");
        }
    }

    // Promise 8.
    async fn nothing_personal_is_logged_or_kept_with_an_attempt(database) {
        let log = Log::of_this_process();
        let app = play_demo(database).await;
        let spoken = tokio::task::spawn_blocking(|| tracing::trace!("a word from another thread"));
        spoken.await.unwrap();
        let mut kept = log.text();
        assert!(kept.contains("a word from another thread"), "the log is deaf");
        for row in app.rows().await {
            let fields = [row.detail, row.lint, row.template];
            kept.extend(fields.into_iter().flatten());
        }
        for word in personal() {
            assert!(!kept.contains(&word), "`{word}` was written down");
        }
    }
}
