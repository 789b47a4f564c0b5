//! `order show`: one order with its mails; personal data only where it is asked for.

use serde::Serialize;
use std::fmt::Write as _;

use crate::{
    cli::{
        Context, Format, output,
        table::{Table, iso},
    },
    engine::{Engine, explain::local},
    order::{Order, ProblemKind},
    plan::zone_of,
    store::ledger::{Filter, Page},
};

#[derive(Serialize)]
struct Document {
    id: i64,
    channel: String,
    order: String,
    stage: String,
    zone: String,
    accepted_at: Option<String>,
    is_test: bool,
    is_history: bool,
    is_erased: bool,
    buyer: Buyer,
    lines: Vec<Line>,
    parcels: Vec<Parcel>,
    holds: Vec<String>,
    messages: Vec<Message>,
}

#[derive(Serialize)]
struct Buyer {
    /// Masked, unless the whole was asked for.
    address: Option<String>,
    country: Option<String>,
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    address_lines: Vec<String>,
}

#[derive(Serialize)]
struct Line {
    title: String,
    quantity: u32,
}

#[derive(Serialize)]
struct Parcel {
    reference: String,
    carrier: Option<String>,
    shipped_at: Option<String>,
    delivered_at: Option<String>,
}

#[derive(Serialize)]
struct Message {
    id: i64,
    step: String,
    scope: String,
    revision: u32,
    status: String,
    reason: Option<&'static str>,
    at: Option<String>,
    #[serde(skip)]
    local: String,
}

pub(super) async fn run(
    engine: &Engine,
    order_ref: &str,
    channel: Option<&str>,
    is_personal: bool,
    context: &Context,
) -> anyhow::Result<()> {
    let (summary, order) = engine.order(order_ref, channel).await?;
    let seller_zone = engine
        .channels()
        .get(&summary.channel)
        .map_or(chrono_tz::UTC, crate::engine::Channel::zone);
    let zone = zone_of(&order, seller_zone);
    let mut tx = engine.db().read().await?;
    let filter = Filter {
        order_id: Some(summary.id),
        ..Filter::default()
    };
    let page = Page {
        before: None,
        limit: 1_000,
    };
    let rows = tx.list_messages(filter, page).await?.rows;
    let messages = rows.iter().rev().map(|row| {
        let at = row.sent_at.or(row.due_at).map(Into::into);
        Message {
            id: row.id,
            step: row.step.clone(),
            scope: row.scope.to_string(),
            revision: row.revision,
            status: row.status.to_string(),
            reason: row.reason.map(crate::sequence::Reason::code),
            at: at.map(iso),
            local: at.map(|at| local(at, zone)).unwrap_or_default(),
        }
    });
    let document = Document {
        id: summary.id,
        channel: summary.channel,
        order: summary.external_ref,
        stage: order.stage().to_string(),
        zone: zone.name().to_owned(),
        accepted_at: summary.accepted_at.map(|at| iso(at.into())),
        is_test: summary.is_test,
        is_history: summary.is_history,
        is_erased: summary.erased_at.is_some(),
        buyer: buyer(&order, is_personal),
        lines: lines(&order),
        parcels: parcels(&order),
        holds: order
            .open_problems()
            .iter()
            .map(|problem| {
                format!(
                    "{} since {}",
                    held_by(problem.kind),
                    local(problem.since, zone)
                )
            })
            .collect(),
        messages: messages.collect(),
    };
    match context.format {
        Format::Json => output::json(&document),
        Format::Text => print(&document),
    }
}

const fn held_by(kind: ProblemKind) -> &'static str {
    match kind {
        ProblemKind::Hold => "paused by an operator",
        ProblemKind::Complaint => "a complaint is open",
        ProblemKind::Return => "a return is open",
        ProblemKind::ReturnLeg => "a parcel is on its way back",
        ProblemKind::Message => "a message of the buyer is unanswered",
        ProblemKind::Delay => "a delay was announced and the order has not arrived",
    }
}

fn buyer(order: &Order, is_personal: bool) -> Buyer {
    let buyer = &order.details.buyer;
    let address = match order.address() {
        Ok(address) if is_personal => Some(address.as_str().to_owned()),
        Ok(address) => Some(address.masked()),
        Err(_) => None,
    };
    Buyer {
        address,
        country: buyer.country.clone(),
        locale: order.locale().map(String::from),
        name: buyer.name.clone().filter(|_| is_personal),
        address_lines: if is_personal {
            buyer.address_lines.clone()
        } else {
            Vec::new()
        },
    }
}

fn lines(order: &Order) -> Vec<Line> {
    order
        .details
        .lines
        .iter()
        .map(|line| Line {
            title: line.title.clone(),
            quantity: line.quantity,
        })
        .collect()
}

fn parcels(order: &Order) -> Vec<Parcel> {
    order
        .parcels
        .iter()
        .map(|parcel| Parcel {
            reference: parcel.parcel_ref.clone(),
            carrier: parcel.shipment.carrier.clone(),
            shipped_at: parcel.shipped.map(|stamp| iso(stamp.at)),
            delivered_at: parcel.delivered.map(|evidence| iso(evidence.stamp.at)),
        })
        .collect()
}

fn print(document: &Document) -> anyhow::Result<()> {
    let marks: Vec<&str> = [
        (document.is_test, "test order"),
        (document.is_history, "history: mails nobody"),
        (document.is_erased, "the buyer's data is erased"),
    ]
    .iter()
    .filter(|(is, _)| *is)
    .map(|(_, mark)| *mark)
    .collect();
    let mut text = format!(
        "Order {} on {}: {}",
        document.order,
        document.channel,
        document.stage.replace('_', " ")
    );
    if !marks.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(text, " ({})", marks.join(", "));
    }
    let mut facts = Table::new(&[]);
    let buyer = &document.buyer;
    let mut fact = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            facts.row(vec![format!("  {name}"), value.to_owned()]);
        }
    };
    fact(
        "buyer",
        Some(buyer.address.as_deref().unwrap_or("no mail address")),
    );
    fact("name", buyer.name.as_deref());
    for line in &buyer.address_lines {
        fact("", Some(line));
    }
    fact("country", buyer.country.as_deref());
    fact("language", buyer.locale.as_deref());
    fact("zone", Some(&document.zone));
    fact("accepted", document.accepted_at.as_deref());
    for line in &document.lines {
        fact("item", Some(&format!("{} × {}", line.quantity, line.title)));
    }
    for parcel in &document.parcels {
        let mut parts = vec![parcel.reference.clone()];
        parts.extend(parcel.carrier.clone());
        parts.extend(parcel.shipped_at.as_ref().map(|at| format!("shipped {at}")));
        parts.extend(
            parcel
                .delivered_at
                .as_ref()
                .map(|at| format!("delivered {at}")),
        );
        fact("parcel", Some(&parts.join(", ")));
    }
    for hold in &document.holds {
        fact("held", Some(hold));
    }
    text.push_str(&facts.render());
    output::line(&text)?;
    output::line("")?;
    let mut mails = Table::new(&["message", "mail", "status", "reason", "when"]);
    for message in &document.messages {
        let scope = if message.scope == "order" {
            String::new()
        } else {
            format!(" ({})", message.scope)
        };
        mails.row(vec![
            message.id.to_string(),
            format!("{}{scope}", message.step),
            message.status.clone(),
            message.reason.unwrap_or_default().to_owned(),
            message.local.clone(),
        ]);
    }
    output::line(&mails.render())?;
    output::line(&format!(
        "\n`afternote why {}` tells the reasons.",
        document.order
    ))?;
    Ok(())
}
