//! An order as a file tells it, read and turned into events.

use crate::{
    mail::Address,
    order::{
        Fact, OrderEvent,
        event::{
            Buyer, Cancellation, Complaint, Delay, Empty, Line, OrderDetails, Payment, Refund,
            ReturnCase,
        },
    },
};

use super::{
    MAX_EVENTS, MAX_LINES, MAX_REF, Options, Record,
    amounts::DecimalMark,
    dates::When,
    draft::{Cells, Draft},
    error::{IntakeError, ReadError, Rejected, shown_name},
    fields::Field,
    ids,
    values::{Reader, payment_method},
};

/// Turns drafts into records.
pub(super) struct Build {
    pub(super) source: &'static str,
    pub(super) mark: DecimalMark,
    pub(super) options: Options,
}

impl Build {
    pub(super) fn new(source: &'static str, mark: DecimalMark, options: Options) -> Self {
        Self {
            source,
            mark,
            options,
        }
    }

    /// The record of an order, or everything that is wrong with it.
    pub(super) fn record(&self, mut draft: Draft<'_>) -> Result<Record, ReadError> {
        // Before anything is compared with anything: a hostile file shall not cost hours.
        check_size(&draft).map_err(|error| {
            ReadError::Rejected(Rejected::one(error).of_order(Some(&draft.order_ref)))
        })?;
        let mut reader = Reader {
            build: self,
            errors: std::mem::take(&mut draft.errors),
            warnings: std::mem::take(&mut draft.warnings),
        };
        let channel = reader.text(&draft.order, Field::Channel);
        let events = reader.events(&draft);
        let Reader {
            mut errors,
            warnings,
            ..
        } = reader;
        if events.is_empty() && errors.is_empty() {
            errors.push(IntakeError::at_line(
                draft.line,
                "nothing says what happened to the order",
                "fill `accepted_at`, or another column that ends in `_at`",
            ));
        }
        if events.len() > MAX_EVENTS {
            errors.push(IntakeError::at_line(
                draft.line,
                format!("the order gives more than {MAX_EVENTS} events"),
                "check that its rows belong to one order",
            ));
        }
        if !errors.is_empty() {
            errors.sort_by_key(|error| (error.line, error.column));
            return Err(ReadError::Rejected(Rejected {
                line: draft.line,
                order_ref: Some(shown_name(&draft.order_ref)),
                errors,
            }));
        }
        let mut record = Record {
            line: draft.line,
            channel,
            order_ref: draft.order_ref,
            events,
            warnings,
        };
        self.finish(&mut record);
        Ok(record)
    }

    /// Gives events without one a key, and the time they were received.
    pub(super) fn finish(&self, record: &mut Record) {
        let channel = record.channel.as_deref().unwrap_or(&self.options.channel);
        for event in &mut record.events {
            if event.source_event_id.is_empty() {
                event.source_event_id = ids::content_key(channel, event);
            }
            event.received_at = event.received_at.or(self.options.now);
        }
    }
}

impl Reader<'_> {
    fn events(&mut self, draft: &Draft<'_>) -> Vec<OrderEvent> {
        let order = &draft.order;
        let mut events = Events {
            source: self.build.source,
            order_ref: &draft.order_ref,
            test: self.flag(order, Field::Test).unwrap_or(false),
            list: Vec::new(),
        };
        let lines = self.lines(draft);
        let currency = self.currency(order);
        let details = self.details(order, currency.clone());
        let accepted = self.occurred(order, Field::AcceptedAt);
        let paid = self.occurred(order, Field::PaidAt);
        let payment = Payment {
            amount: details.total,
            currency: currency.clone(),
            method: self.text(order, Field::PaymentMethod).map(payment_method),
            statement_name: self.text(order, Field::StatementName),
        };
        // Pay on delivery counts as paid once the order is accepted: nothing else will come.
        let paid = paid.or(accepted.filter(|_| payment.method.as_deref() == Some("cod")));
        let line_refs: Vec<String> = lines.iter().map(|line| line.line_ref.clone()).collect();
        if let Some(when) = accepted {
            events.add(when, Fact::OrderAccepted(OrderDetails { lines, ..details }));
        } else if let Some(cells) = draft.lines.first() {
            self.lacks_acceptance(draft, cells);
        }
        if let Some(when) = paid {
            events.add(when, Fact::PaymentReceived(payment));
        }
        for (index, parcel) in draft.parcels.iter().enumerate() {
            self.parcel(draft, parcel, index, &line_refs, &mut events);
        }
        self.check_unsent_lines(draft, &line_refs);
        self.misfortunes(order, currency, &mut events);
        events.list
    }

    /// What befell the order as a whole after its sale.
    fn misfortunes(
        &mut self,
        order: &Cells<'_>,
        currency: Option<String>,
        events: &mut Events<'_>,
    ) {
        if let Some(when) = self.occurred(order, Field::DelayedAt) {
            let expected_at = self.expected(order, Field::DelayedTo);
            let delay = Delay {
                expected_at,
                reason: None,
            };
            events.add(when, Fact::Delayed(delay));
        }
        if let Some(when) = self.occurred(order, Field::CancelledAt) {
            let cancellation = Cancellation {
                by: self.text(order, Field::CancelledBy),
                reason: self.text(order, Field::CancelReason),
            };
            events.add(when, Fact::Cancelled(cancellation));
        }
        let amount = self.amount(order, Field::RefundAmount);
        if let Some(when) = self.occurred(order, Field::RefundedAt) {
            let refund = Refund {
                amount,
                currency,
                refund_ref: self.text(order, Field::RefundRef),
                method: self.text(order, Field::RefundMethod),
                partial: None,
            };
            events.add(when, Fact::RefundIssued(refund));
        } else if let Some(cell) = order.get(Field::RefundAmount) {
            self.errors.push(cell.error(
                Field::RefundAmount,
                "an amount went back, but not when",
                "fill `refunded_at` as well",
            ));
        }
        let case = ReturnCase {
            return_ref: self.text(order, Field::ReturnRef),
            reason: None,
            result: None,
        };
        if let Some(when) = self.occurred(order, Field::ReturnRequestedAt) {
            events.add(when, Fact::ReturnRequested(case.clone()));
        }
        if let Some(when) = self.occurred(order, Field::ReturnCompletedAt) {
            let result = self.text(order, Field::ReturnResult);
            events.add(when, Fact::ReturnCompleted(ReturnCase { result, ..case }));
        }
        let complaint = Complaint {
            complaint_ref: self.text(order, Field::ComplaintRef),
            ..Complaint::default()
        };
        if let Some(when) = self.occurred(order, Field::ComplaintOpenedAt) {
            events.add(when, Fact::ComplaintOpened(complaint.clone()));
        }
        if let Some(when) = self.occurred(order, Field::ComplaintClosedAt) {
            events.add(when, Fact::ComplaintClosed(complaint));
        }
        if let Some(when) = self.occurred(order, Field::ReviewLeftAt) {
            events.add(when, Fact::ReviewLeft(Empty {}));
        }
    }

    fn details(&mut self, order: &Cells<'_>, currency: Option<String>) -> OrderDetails {
        OrderDetails {
            buyer: self.buyer(order),
            language: self.language(order),
            lines: Vec::new(),
            currency,
            total: self.amount(order, Field::Total),
            shipping: self.amount(order, Field::Shipping),
            discount: self.amount(order, Field::Discount),
            promised_dispatch_by: self.expected(order, Field::PromisedDispatchBy),
            promised_by: self.expected(order, Field::PromisedBy),
            order_url: self.link(order, Field::OrderUrl),
            invoice_url: self.link(order, Field::InvoiceUrl),
            basis: self.basis(order),
            tags: self.tags(order),
        }
    }

    fn buyer(&mut self, order: &Cells<'_>) -> Buyer {
        if let Some(cell) = order.get(Field::BuyerEmail)
            && let Err(fault) = cell.text.parse::<Address>()
        {
            self.warnings.push(cell.warning(
                Field::BuyerEmail,
                format!("{fault}; the order is kept, but no mail can be sent for it"),
            ));
        }
        Buyer {
            email: self.text(order, Field::BuyerEmail),
            name: self.text(order, Field::BuyerName),
            first_name: self.text(order, Field::FirstName),
            country: self.country(order),
            region: self.region(order),
            zone: self.zone(order),
            address_lines: self
                .text(order, Field::Address)
                .map(|text| {
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                    lines.map(str::to_owned).collect()
                })
                .unwrap_or_default(),
        }
    }

    fn lines(&mut self, draft: &Draft<'_>) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::with_capacity(draft.lines.len());
        for (index, cells) in draft.lines.iter().enumerate() {
            let sku = self.text(cells, Field::Sku);
            let title = self.text(cells, Field::Title).or_else(|| {
                let (field, cell) = [Field::Sku, Field::LineRef, Field::Quantity, Field::Price]
                    .into_iter()
                    .find_map(|field| Some((field, cells.get(field)?)))?;
                self.errors.push(cell.error(
                    field,
                    "the line has no title",
                    "fill `title` with the name the buyer knows the article by",
                ));
                None
            });
            let is_free = |name: &String| lines.iter().all(|line| line.line_ref != *name);
            let line_ref = self
                .text(cells, Field::LineRef)
                .or_else(|| sku.clone().filter(is_free))
                .unwrap_or_else(|| (index + 1).to_string());
            lines.push(Line {
                line_ref,
                sku,
                title: title.unwrap_or_default(),
                quantity: self.quantity(cells),
                price: self.amount(cells, Field::Price),
                ships: self.flag(cells, Field::Ships).unwrap_or(true),
            });
        }
        lines
    }

    fn lacks_acceptance(&mut self, draft: &Draft<'_>, cells: &Cells<'_>) {
        // News of a known order may repeat its lines to say what a parcel holds.
        let is_news = !draft.parcels.is_empty();
        if is_news || draft.order.get(Field::AcceptedAt).is_some() {
            return;
        }
        if let Some((field, cell)) = [Field::Title, Field::Sku, Field::LineRef]
            .into_iter()
            .find_map(|field| Some((field, cells.get(field)?)))
        {
            self.errors.push(cell.error(
                field,
                "the order has lines, but nothing says when it was placed",
                "fill `accepted_at`",
            ));
        }
    }
}

/// The events of one order as they come.
pub(super) struct Events<'a> {
    source: &'static str,
    order_ref: &'a str,
    test: bool,
    list: Vec<OrderEvent>,
}

impl Events<'_> {
    fn add(&mut self, when: When, fact: Fact) {
        self.list.push(OrderEvent {
            source: self.source.to_owned(),
            source_event_id: String::new(),
            order_ref: self.order_ref.to_owned(),
            parcel_ref: None,
            line_refs: Vec::new(),
            occurred_at: when.at,
            precision: when.precision,
            received_at: None,
            test: self.test,
            backfill: false,
            fact,
        });
    }

    pub(super) fn add_parcel(
        &mut self,
        when: When,
        fact: Fact,
        parcel_ref: &str,
        line_refs: &[String],
    ) {
        self.add(when, fact);
        if let Some(event) = self.list.last_mut() {
            event.parcel_ref = Some(parcel_ref.to_owned());
            event.line_refs = line_refs.to_vec();
        }
    }
}

fn check_size(draft: &Draft<'_>) -> Result<(), IntakeError> {
    check_ref(&draft.order_ref, Field::OrderRef.name(), draft.line)?;
    for (list, length) in [
        ("lines", draft.lines.len()),
        ("parcels", draft.parcels.len()),
    ] {
        if length > MAX_LINES {
            let message = format!("the order has more than {MAX_LINES} {list}");
            let hint = "check that they belong to one order";
            return Err(IntakeError::at_line(draft.line, message, hint).in_field(list));
        }
    }
    Ok(())
}

/// Refuses a reference no shop writes; references are keys of the database.
pub(super) fn check_ref(text: &str, field: &str, line: u64) -> Result<(), IntakeError> {
    if text.len() > MAX_REF || text.chars().any(char::is_control) {
        let message = format!("the reference is longer than {MAX_REF} bytes or has line breaks");
        let hint = "check that the columns hold what their headers say";
        return Err(IntakeError::at_line(line, message, hint).in_field(field));
    }
    Ok(())
}
