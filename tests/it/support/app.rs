//! The application under test: a real configuration, a clock that moves when told, a mailbox.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::{Arc, OnceLock},
};

use afternote::{
    clock::{Clock as _, Instant, ManualClock},
    config::{Config, LoadOptions},
    deliver::{MemoryTransport, Transport},
    engine::{
        Applied, Dispatched, Engine, Incoming, Intake,
        assemble::{self, Deliver},
        explain::Story,
        operate::By,
    },
    mail::MailKind,
    order::OrderEvent,
    render::Catalogue,
    store::{
        MessageRow,
        ledger::{Filter, Page},
    },
};
use mail_parser::MessageParser;
use tokio::sync::watch;

use super::{
    database::Database,
    orders::{START, at},
};

/// What every test's configuration begins with.
const CONFIG: &str = r#"
[seller]
name = "Example Lamps"
legal_name = "Example Lamps GmbH"
postal_address = ["Musterweg 1", "10115 Berlin"]
support_email = "help@lamps.example"
support_url = "https://lamps.example/help"
privacy_url = "https://lamps.example/privacy"
imprint_url = "https://lamps.example/imprint"
country = "DE"
zone = "Europe/Berlin"

[templates]
locales = ["en"]
partial_locales = []

[channels."*"]
activated_at = 2026-01-01T00:00:00Z
from_transactional = { name = "Example Lamps", address = "orders@lamps.example" }
from_relationship = { name = "Example Lamps", address = "care@lamps.example" }

[channels.my-shop]
platform = "shop"
sequence = "own_shop"
reply_to = "help@lamps.example"
return_path = "bounces@lamps.example"
id_domain = "mail.lamps.example"
feedback_sender_id = "examplelamps"
review_url = "https://lamps.example/review?order={order_ref}"
headers = { X-Shop = "lamps" }
basis = { default = "soft_opt_in" }

[channels.allegro]
platform = "allegro"
sequence = "allegro"
zone = "Europe/Warsaw"

[channels.amazon]
platform = "amazon"
sequence = "amazon"

[channels.ebay]
platform = "ebay"
sequence = "ebay"

[channels.aliexpress]
platform = "aliexpress"
sequence = "aliexpress"

[unsubscribe]
base_url = "https://mail.lamps.example/u"
mailto = "unsubscribe@lamps.example"

[[unsubscribe.keys]]
kid = "k1"
secret = "a-secret-of-the-tests-and-of-nobody-else"
"#;

/// How an application of a test differs from the usual one.
pub(crate) struct Options {
    /// TOML laid over the configuration.
    pub(crate) config: String,
    /// Whether mails go through the configured transport; else they stay in memory.
    pub(crate) as_configured: bool,
    /// Names the process in leases.
    pub(crate) worker: &'static str,
    /// The clock, to share it between two workers or to carry it over a restart.
    pub(crate) clock: Option<Arc<ManualClock>>,
    /// The mailbox, to share it between two workers.
    pub(crate) mailbox: MemoryTransport,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: String::new(),
            as_configured: false,
            worker: "test-1",
            clock: None,
            mailbox: MemoryTransport::new(),
        }
    }
}

/// A mail that the relay accepted.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) kind: MailKind,
    pub(crate) step: String,
    pub(crate) order_ref: String,
    pub(crate) subject: String,
    /// When the relay accepted it.
    pub(crate) at: Instant,
    pub(crate) message_id: String,
    pub(crate) raw: Vec<u8>,
}

/// The application under test.
pub(crate) struct TestApp {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) mailbox: MemoryTransport,
    stop: watch::Sender<bool>,
    _folder: tempfile::TempDir,
}

impl TestApp {
    /// The usual application.
    pub(crate) async fn new(database: &Database) -> Self {
        Self::start(database, Options::default()).await
    }

    /// The usual application with TOML laid over its configuration.
    pub(crate) async fn with(database: &Database, config: &str) -> Self {
        let options = Options {
            config: config.to_owned(),
            ..Options::default()
        };
        Self::start(database, options).await
    }

    /// An application over the database; several may run over one.
    pub(crate) async fn start(database: &Database, options: Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = config(database, &options, folder.path());
        let clock = options
            .clock
            .unwrap_or_else(|| Arc::new(ManualClock::new(at(START, "00:00"))));
        let deliver = if options.as_configured {
            Deliver::AsConfigured
        } else {
            Deliver::Through(Transport::Memory(options.mailbox.clone()))
        };
        let blueprint = assemble::blueprint_with(&config, catalogue(&config)).unwrap();
        let engine = Box::pin(assemble::engine_with(
            &config,
            blueprint,
            Arc::clone(&clock) as _,
            options.worker.to_owned(),
            deliver,
        ))
        .await
        .unwrap();
        Self {
            engine,
            clock,
            mailbox: options.mailbox,
            stop: watch::Sender::new(false),
            _folder: folder,
        }
    }

    /// Tells the engine what happened, as it happens.
    pub(crate) async fn apply(&self, events: Vec<OrderEvent>) -> Applied {
        self.tell("my-shop", events, Intake::Live).await
    }

    /// Tells the engine what happened on a channel.
    pub(crate) async fn tell(
        &self,
        channel: &str,
        events: Vec<OrderEvent>,
        intake: Intake,
    ) -> Applied {
        let batch = events
            .into_iter()
            .map(|event| Incoming {
                channel: channel.to_owned(),
                event,
            })
            .collect();
        self.engine.apply(batch, intake).await.unwrap()
    }

    /// Sends what is due now.
    pub(crate) async fn dispatch(&self) -> Dispatched {
        self.engine.dispatch(&self.stop.subscribe()).await.unwrap()
    }

    /// Moves the clock to each moment at which something is due, and at last to `until`.
    pub(crate) async fn run_until(&self, until: Instant) {
        loop {
            self.engine.sweep().await.unwrap();
            self.dispatch().await;
            let next = self.engine.next_due().await.unwrap();
            match next.filter(|next| *next <= until) {
                Some(next) => self.clock.set(next),
                None if self.clock.now() < until => self.clock.set(until),
                None => return,
            }
        }
    }

    /// Lets things happen one after another on the shop's channel, each told when it happens.
    pub(crate) async fn play(&self, events: Vec<OrderEvent>) {
        for event in events {
            self.run_until(event.received_at.unwrap_or(event.occurred_at))
                .await;
            self.apply(vec![event]).await;
        }
        self.dispatch().await;
    }

    /// All rows of the ledger, oldest first.
    pub(crate) async fn rows(&self) -> Vec<MessageRow> {
        let mut tx = self.engine.db().read().await.unwrap();
        let page = Page {
            before: None,
            limit: 100_000,
        };
        let mut rows = tx
            .list_messages(Filter::default(), page)
            .await
            .unwrap()
            .rows;
        rows.reverse();
        rows
    }

    /// The rows of one step.
    pub(crate) async fn rows_of(&self, step: &str) -> Vec<MessageRow> {
        let mut rows = self.rows().await;
        rows.retain(|row| row.step == step);
        rows
    }

    /// The one row of a step.
    pub(crate) async fn row(&self, step: &str) -> MessageRow {
        let mut rows = self.rows_of(step).await;
        assert_eq!(rows.len(), 1, "rows of {step}");
        rows.remove(0)
    }

    /// The mails that left, in order: what the mailbox holds, not what the ledger says.
    pub(crate) async fn sent(&self) -> Vec<Sent> {
        let rows = self.rows().await;
        let mut tx = self.engine.db().read().await.unwrap();
        let page = Page {
            before: None,
            limit: 100_000,
        };
        let orders: BTreeMap<i64, String> = tx
            .list_orders(None, None, page)
            .await
            .unwrap()
            .into_iter()
            .map(|order| (order.id, order.external_ref))
            .collect();
        let by_id: BTreeMap<&str, &MessageRow> = rows
            .iter()
            .filter_map(|row| Some((row.message_id.as_deref()?, row)))
            .collect();
        let mails = self.mailbox.sent();
        mails
            .iter()
            .map(|mail| {
                let parsed = MessageParser::default().parse(&mail.raw[..]).unwrap();
                let message_id = format!("<{}>", parsed.message_id().unwrap());
                let row = by_id[message_id.as_str()];
                Sent {
                    kind: row.kind,
                    step: row.step.clone(),
                    order_ref: orders[&row.order_id].clone(),
                    subject: parsed.subject().unwrap().to_owned(),
                    at: row
                        .sent_at
                        .or(row.intent_at)
                        .map_or_else(|| self.clock.now(), Into::into),
                    message_id,
                    raw: mail.raw.to_vec(),
                }
            })
            .collect()
    }

    /// The kinds of the mails that left, in order.
    pub(crate) async fn kinds(&self) -> Vec<MailKind> {
        self.sent()
            .await
            .into_iter()
            .map(|mail| mail.kind)
            .collect()
    }

    /// How many mails of a kind left.
    pub(crate) async fn count(&self, kind: MailKind) -> usize {
        let kinds = self.kinds().await;
        kinds.into_iter().filter(|sent| *sent == kind).count()
    }

    /// The story of an order.
    pub(crate) async fn why(&self, order_ref: &str) -> Story {
        self.engine.why(order_ref, None, None).await.unwrap()
    }

    /// State and reason of a step, as `why` tells them.
    pub(crate) async fn state(&self, order_ref: &str, step: &str) -> (String, String) {
        let story = self.engine.why(order_ref, None, Some(step)).await.unwrap();
        let mail = story.mails.first().unwrap();
        (mail.state.clone(), mail.reason.clone().unwrap_or_default())
    }
}

/// Who orders things in tests.
pub(crate) const BY: By<'static> = By {
    actor: "test",
    reason: "the test wants it",
};

/// The templates; loaded once for all tests that have none of their own.
fn catalogue(config: &Config) -> Arc<Catalogue> {
    static SHIPPED: OnceLock<Arc<Catalogue>> = OnceLock::new();
    let load = || assemble::catalogue(config).unwrap();
    if config.templates.dir.is_none() {
        Arc::clone(SHIPPED.get_or_init(load))
    } else {
        load()
    }
}

fn config(database: &Database, options: &Options, folder: &std::path::Path) -> Config {
    let base = folder.join("base.toml");
    let mut text = CONFIG.to_owned();
    writeln!(text, "[database]\nurl = {:?}", database.url).unwrap();
    writeln!(
        text,
        "[transports.outbox]\ntype = \"file\"\ndir = \"{}\"",
        folder.join("outbox").display()
    )
    .unwrap();
    std::fs::write(&base, text).unwrap();
    let over = folder.join("over.toml");
    std::fs::write(&over, &options.config).unwrap();
    Config::load(&LoadOptions {
        files: vec![base, over],
        ..LoadOptions::default()
    })
    .unwrap_or_else(|problems| panic!("{problems}"))
}
