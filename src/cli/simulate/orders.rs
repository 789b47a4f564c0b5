//! Orders of files as subjects of a simulation.

use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::BufReader,
    path::Path,
    sync::Arc,
};

use anyhow::Context as _;

use crate::{
    clock::Instant,
    config::Config,
    intake::{self, Options, ReadError, report::Report},
    order::{Fact, Order, OrderEvent},
    plan::{ChannelRules, Ledger, simulate::Subject},
};

use super::{Args, progress};

/// What the files gave.
pub(super) struct Read {
    pub(super) subjects: Vec<Subject>,
    /// When the first event happened.
    pub(super) first: Option<Instant>,
    /// What was refused or odd, for people.
    pub(super) notes: Vec<String>,
}

/// Reads all files; an order may be told of in several.
pub(super) fn read(
    args: &Args,
    config: &Config,
    rules: &BTreeMap<String, Arc<ChannelRules>>,
) -> anyhow::Result<Read> {
    let default = default_channel(args, rules)?;
    let mut orders = Orders {
        rules,
        index: HashMap::new(),
        subjects: Vec::new(),
        first: None,
        unknown: BTreeMap::new(),
    };
    let mut notes = Vec::new();
    let bar = progress("orders read");
    for path in &args.orders {
        let options = Options {
            channel: default.clone().unwrap_or_default(),
            zone: default
                .as_deref()
                .map_or(config.seller.zone, |name| config.zone_of(name)),
            now: None,
            not_after: None,
        };
        read_file(path, options, &mut orders, &mut notes, |count| {
            bar.set_position(count);
        })?;
    }
    bar.finish_and_clear();
    for (at, (name, count)) in orders.unknown.iter().enumerate() {
        let known: Vec<&str> = rules.keys().map(String::as_str).collect();
        let note = if name.is_empty() {
            format!(
                "{count} records name no channel; say which with --channel ({})",
                known.join(", ")
            )
        } else {
            format!(
                "{count} records are of channel `{name}`, which is not enabled; enabled are {}",
                known.join(", ")
            )
        };
        // Before the counts of the files: it says why there is nothing to see.
        notes.insert(at, note);
    }
    anyhow::ensure!(
        !orders.subjects.is_empty() || notes.is_empty(),
        "no order could be read\n{}",
        notes.join("\n")
    );
    let Orders {
        subjects, first, ..
    } = orders;
    Ok(Read {
        subjects,
        first,
        notes,
    })
}

/// The channel of orders that name none: the one asked for, or the only one there is.
fn default_channel(
    args: &Args,
    rules: &BTreeMap<String, Arc<ChannelRules>>,
) -> anyhow::Result<Option<String>> {
    match &args.channel {
        Some(name) => {
            check_channel(name, rules)?;
            Ok(Some(name.clone()))
        }
        None if rules.len() == 1 => Ok(rules.keys().next().cloned()),
        None => Ok(None),
    }
}

/// Refuses a channel that is not enabled, and lists those that are.
pub(super) fn check_channel(
    name: &str,
    rules: &BTreeMap<String, Arc<ChannelRules>>,
) -> anyhow::Result<()> {
    let known: Vec<&str> = rules.keys().map(String::as_str).collect();
    anyhow::ensure!(
        rules.contains_key(name),
        "there is no enabled channel `{name}`; enabled are {}",
        known.join(", ")
    );
    Ok(())
}

fn read_file(
    path: &Path,
    options: Options,
    orders: &mut Orders<'_>,
    notes: &mut Vec<String>,
    progress: impl Fn(u64),
) -> anyhow::Result<()> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("reading {shown}"))?;
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let failed = |error: ReadError| anyhow::anyhow!("{shown}: {error}");
    let (format, reader) = intake::sniff(&name, BufReader::new(file)).map_err(failed)?;
    let default = options.channel.clone();
    let records = intake::open(format, reader, options).map_err(failed)?;
    let mut report = Report::new(format, &records);
    for item in records {
        report.add(&item);
        if let Ok(record) = item {
            let channel = record.channel.as_deref().unwrap_or(&default);
            orders.add(channel, &record.order_ref, record.events);
            if report.records.is_multiple_of(256) {
                progress(orders.subjects.len() as u64);
            }
        }
    }
    if !report.is_clean() || !report.warnings.is_empty() {
        notes.push(format!("{shown}: {}", report.to_string().trim_end()));
    }
    Ok(())
}

struct Orders<'a> {
    rules: &'a BTreeMap<String, Arc<ChannelRules>>,
    index: HashMap<(String, String), usize>,
    subjects: Vec<Subject>,
    first: Option<Instant>,
    unknown: BTreeMap<String, usize>,
}

impl Orders<'_> {
    fn add(&mut self, channel: &str, order_ref: &str, events: Vec<OrderEvent>) {
        let Some(rules) = self.rules.get(channel) else {
            *self.unknown.entry(channel.to_owned()).or_default() += 1;
            return;
        };
        let earliest = events.iter().map(|event| event.occurred_at).min();
        self.first = [self.first, earliest].into_iter().flatten().min();
        let key = (channel.to_owned(), order_ref.to_owned());
        let subjects = &mut self.subjects;
        let at = *self.index.entry(key).or_insert_with(|| {
            subjects.push(Subject {
                rules: Arc::clone(rules),
                order: Order::new(channel, order_ref),
                ledger: Ledger::default(),
                coming: Vec::new(),
                buyer_key: None,
            });
            subjects.len() - 1
        });
        let subject = &mut subjects[at];
        for event in &events {
            if let Fact::OrderAccepted(details) = &event.fact
                && let Some(Ok(address)) = details.buyer.email.as_deref().map(str::parse)
            {
                let address: crate::mail::Address = address;
                subject.buyer_key = Some(address.comparison_key());
            }
        }
        subject.coming.extend(events);
    }
}
