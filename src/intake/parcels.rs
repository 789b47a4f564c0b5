//! The parcels of an order file, turned into events.

use crate::order::{
    Fact,
    event::{Delivery, Pickup, Reason, ReturnLeg, Shipment},
};

use super::{
    build::{Events, check_ref},
    dates::When,
    draft::{Cells, Draft, ParcelDraft},
    error::IntakeError,
    fields::Field,
    values::{Reader, read_flag},
};

impl Reader<'_> {
    pub(super) fn parcel(
        &mut self,
        draft: &Draft<'_>,
        parcel: &ParcelDraft<'_>,
        index: usize,
        line_refs: &[String],
        events: &mut Events<'_>,
    ) {
        let cells = &parcel.cells;
        let parcel_ref = self.parcel_ref(draft, cells, index);
        if let Err(error) = check_ref(&parcel_ref, Field::ParcelRef.name(), draft.line) {
            self.errors.push(error);
        }
        let unknown = parcel
            .line_refs
            .iter()
            .any(|name| !line_refs.is_empty() && !line_refs.contains(name));
        if unknown {
            self.errors.push(
                IntakeError::at_line(
                    draft.line,
                    "the parcel names a line the order does not have",
                    "use the `line_ref` of the lines; without one it is the `sku`, else the \
                     number of the line",
                )
                .in_field(format!("parcels[{index}].line_refs")),
            );
        }
        let inside: Vec<String> = parcel
            .lines
            .iter()
            .filter_map(|line| line_refs.get(*line).cloned())
            .chain(parcel.line_refs.iter().cloned())
            .collect();
        let shipped = self.occurred(cells, Field::ShippedAt);
        let shipment = Shipment {
            carrier: self.text(cells, Field::Carrier),
            tracking_number: self.text(cells, Field::TrackingNumber),
            tracking_url: self.link(cells, Field::TrackingUrl),
            expected_at: self.expected(cells, Field::ExpectedAt),
        };
        if shipped.is_none() {
            self.warn_unused(cells);
        }
        let mut add = |when: Option<When>, fact: Fact| {
            if let Some(when) = when {
                events.add_parcel(when, fact, &parcel_ref, &inside);
            }
        };
        add(shipped, Fact::Shipped(shipment));
        let pickup = Pickup {
            pickup_until: self.expected(cells, Field::PickupUntil),
            place: self.text(cells, Field::PickupPlace),
            ..Pickup::default()
        };
        let waiting = self.occurred(cells, Field::PickupReadyAt);
        add(waiting, Fact::PickupReady(pickup));
        let delivery = Delivery {
            evidence: self.evidence(cells),
            ..Delivery::default()
        };
        let delivered = self.occurred(cells, Field::DeliveredAt);
        add(delivered, Fact::Delivered(delivery));
        let lost = self.occurred(cells, Field::LostAt);
        add(lost, Fact::Lost(Reason::default()));
        let back = self.occurred(cells, Field::ReturnedToSenderAt);
        add(back, Fact::ReturnedToSender(ReturnLeg { is_final: true }));
        if let (Some(shipped), Some(delivered)) = (shipped, delivered)
            && delivered.at < shipped.at
            && let Some(cell) = cells.get(Field::DeliveredAt)
        {
            self.warnings.push(cell.warning(
                Field::DeliveredAt,
                "the parcel was delivered before it was sent; both dates are kept, check them",
            ));
        }
    }

    /// The parcel's name: its own, else its tracking number, else its place among the nameless
    /// ones. The number comes before the place, because an export may change its order: a place
    /// that moved would tell one parcel's delivery of another.
    fn parcel_ref(&mut self, draft: &Draft<'_>, cells: &Cells<'_>, index: usize) -> String {
        let name = |cells: &Cells<'_>| {
            [Field::ParcelRef, Field::TrackingNumber]
                .into_iter()
                .find_map(|field| Some(cells.get(field)?.text.clone().into_owned()))
        };
        if let Some(name) = name(cells) {
            return name;
        }
        let is_news = draft.order.get(Field::AcceptedAt).is_none();
        if is_news && let Some((field, cell)) = cells.first() {
            self.errors.push(cell.error(
                field,
                "nothing says which parcel of the order this is about",
                "fill `parcel_ref` or `tracking_number`, or give the whole order with `accepted_at`",
            ));
        }
        let before = draft.parcels.iter().take(index);
        let nameless = before
            .filter(|parcel| name(&parcel.cells).is_none())
            .count();
        format!("{}-{}", draft.order_ref, nameless + 1)
    }

    /// Tracking data without a ship date belongs to no event.
    fn warn_unused(&mut self, cells: &Cells<'_>) {
        let unused = [
            Field::Carrier,
            Field::TrackingNumber,
            Field::TrackingUrl,
            Field::ExpectedAt,
        ]
        .into_iter()
        .find_map(|field| Some((field, cells.get(field)?)));
        if let Some((field, cell)) = unused {
            self.warnings.push(cell.warning(
                field,
                "not used, because `shipped_at` is empty: the parcel was not handed over yet",
            ));
        }
    }

    pub(super) fn check_unsent_lines(&mut self, draft: &Draft<'_>, line_refs: &[String]) {
        // Shopify says itself which lines are sent; in JSON a parcel without lines holds all.
        let is_told_by_rows = self.build.source == "csv";
        if !is_told_by_rows
            || draft.parcels.is_empty()
            || draft.parcels.iter().any(|p| p.lines.is_empty())
        {
            return;
        }
        let sent = |index: &usize| draft.parcels.iter().any(|p| p.lines.contains(index));
        let unsent = (0..line_refs.len()).find(|index| {
            let ships = draft.lines[*index].get(Field::Ships);
            let is_digital = ships.is_some_and(|cell| read_flag(&cell.text) == Some(false));
            !sent(index) && !is_digital
        });
        if let Some(index) = unsent
            && let Some(cell) = draft.lines[index].get(Field::Title)
        {
            self.warnings.push(cell.warning(
                Field::Title,
                "this line is in no parcel, so the order counts as sent in part; repeat the \
                 parcel's columns in the row of each line it holds",
            ));
        }
    }
}
