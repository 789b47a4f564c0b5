//! The order export of Shopify.
//!
//! The first row of an order holds the order and its first article, the rows below it
//! one more article each. The export knows no parcels, no tracking and no delivery:
//! "fulfilled" means handed over, so it gives `shipped` and never `delivered`.

use std::{borrow::Cow, io::Read};

use super::{
    Options, Record,
    amounts::DecimalMark,
    build::Build,
    dates::parse_date,
    detect,
    draft::{Cell, Cells, Draft, ParcelDraft, Place},
    error::{IntakeError, ReadError, Warning, shown_name},
    fields::Field,
    groups::{Group, Groups},
    rows::Row,
};

/// The columns whose value becomes a field of ours as it stands.
const ORDER_COLUMNS: [(&str, Field); 10] = [
    ("Email", Field::BuyerEmail),
    ("Paid at", Field::PaidAt),
    ("Currency", Field::Currency),
    ("Shipping", Field::Shipping),
    ("Total", Field::Total),
    ("Discount Amount", Field::Discount),
    ("Created at", Field::AcceptedAt),
    ("Cancelled at", Field::CancelledAt),
    ("Payment Method", Field::PaymentMethod),
    ("Tags", Field::Tags),
];
const LINE_COLUMNS: [(&str, Field); 5] = [
    ("Lineitem quantity", Field::Quantity),
    ("Lineitem name", Field::Title),
    ("Lineitem price", Field::Price),
    ("Lineitem sku", Field::Sku),
    ("Lineitem requires shipping", Field::Ships),
];
/// The columns read with a rule of their own.
const OTHER_COLUMNS: [&str; 23] = [
    "Name",
    "Id",
    "Source",
    "Accepts Marketing",
    "Financial Status",
    "Fulfillment Status",
    "Fulfilled at",
    "Refunded Amount",
    "Lineitem fulfillment status",
    "Shipping Name",
    "Shipping Street",
    "Shipping Address1",
    "Shipping Address2",
    "Shipping Company",
    "Shipping City",
    "Shipping Zip",
    "Shipping Province",
    "Shipping Country",
    "Billing Name",
    "Billing Country",
    "Billing Province",
    "Subtotal",
    "Taxes",
];
/// What the export cannot tell, said once per file.
const NO_DELIVERY: &str = "this export holds no delivery dates and no tracking: follow-up and \
                           review mails wait until another source tells of the delivery";

/// Whether these are the headers of the export.
pub(super) fn is_header(names: &[String]) -> bool {
    ["Name", "Created at", "Lineitem name"]
        .iter()
        .all(|wanted| names.iter().any(|name| name.trim() == *wanted))
}

/// Whether it is one of the columns we read.
pub(super) fn is_column(name: &str) -> bool {
    let name = name.trim();
    let mapped = ORDER_COLUMNS.iter().chain(&LINE_COLUMNS);
    mapped
        .map(|(header, _)| *header)
        .any(|header| header == name)
        || OTHER_COLUMNS.contains(&name)
}

/// An export of orders.
pub(super) struct ShopifyCsv<R> {
    groups: Groups<detect::Whole<R>>,
    columns: Columns,
    build: Build,
}

/// Where each column stands.
struct Columns(Vec<String>);

impl<R: Read> ShopifyCsv<R> {
    pub(super) fn open(
        reader: R,
        options: Options,
        notes: &mut Vec<Warning>,
    ) -> Result<Self, ReadError> {
        let (layout, rows) = detect::open_csv(reader)?;
        if !is_header(&layout.names) {
            return Err(ReadError::File(IntakeError::at_line(
                1,
                "the headers are not those of Shopify's order export",
                "export the orders again as CSV and leave the headers as they are",
            )));
        }
        let columns = Columns(
            layout
                .names
                .iter()
                .map(|name| name.trim().to_owned())
                .collect(),
        );
        let key = columns.index("Name").unwrap_or_default();
        let header = columns.0.iter().map(|name| shown_name(name)).collect();
        notes.push(Warning::new(1, None, NO_DELIVERY));
        Ok(Self {
            groups: Groups::new(rows, key, header),
            columns,
            build: Build::new("shopify-csv", DecimalMark::Point, options),
        })
    }

    pub(super) fn next(&mut self) -> Option<Result<Record, ReadError>> {
        let group = match self.groups.next_group()? {
            Ok(group) => group,
            Err(error) => return Some(Err(error)),
        };
        if let Some(record) = self.left_out(&group) {
            return Some(Ok(record));
        }
        let draft = self.columns.draft(&group, self.build.options.zone);
        Some(self.build.record(draft))
    }

    /// A sale over the counter: nothing is sent, so there is nothing to write about.
    fn left_out(&self, group: &Group) -> Option<Record> {
        let first = group.rows.first().filter(|_| group.errors.is_empty())?;
        let is_counter_sale = self.columns.value(first, "Source") == Some("pos");
        is_counter_sale.then(|| Record {
            line: group.line,
            channel: None,
            order_ref: group.key.clone(),
            events: Vec::new(),
            warnings: vec![Warning::new(
                group.line,
                Some("Source".to_owned()),
                "sold over the counter (`pos`): left out, no mail belongs to it",
            )],
        })
    }
}

impl Columns {
    fn index(&self, header: &str) -> Option<usize> {
        self.0.iter().position(|name| name == header)
    }

    fn value<'a>(&self, row: &'a Row, header: &str) -> Option<&'a str> {
        let value = row.get(self.index(header)?)?.trim();
        (!value.is_empty()).then_some(value)
    }

    fn cell<'a>(&self, row: &'a Row, header: &'static str) -> Option<Cell<'a>> {
        Some(Cell {
            text: Cow::Borrowed(self.value(row, header)?),
            line: row.line,
            place: Place::Column {
                index: self.index(header)?,
                header,
            },
        })
    }

    fn draft<'a>(&self, group: &'a Group, zone: chrono_tz::Tz) -> Draft<'a> {
        let mut draft = Draft {
            line: group.line,
            order_ref: group.key.clone(),
            errors: group.errors.clone(),
            ..Draft::default()
        };
        let Some(first) = group.rows.first() else {
            return draft;
        };
        self.order_ref(first, &mut draft);
        for (header, field) in ORDER_COLUMNS {
            if let Some(cell) = self.cell(first, header) {
                draft.order.set(field, cell);
            }
        }
        self.ship_to(first, &mut draft.order);
        // The box at the checkout is the recorded consent; unticked, there is none.
        if self.value(first, "Accepts Marketing") == Some("yes")
            && let Some(cell) = self.cell(first, "Accepts Marketing")
        {
            let said = |text| Cell {
                text: Cow::Borrowed(text),
                ..cell.clone()
            };
            draft.order.set(Field::Basis, said("consent"));
            draft.order.set(Field::BasisPlace, said("checkout"));
        }
        self.lines(group, &mut draft);
        self.parcel(group, &mut draft);
        self.refund(first, zone, &mut draft);
        draft
    }

    /// The order's id, which the webhooks use too, so that an order known from both is one order.
    fn order_ref(&self, first: &Row, draft: &mut Draft<'_>) {
        let Some(cell) = self.cell(first, "Id") else {
            return;
        };
        if cell.text.bytes().all(|b| b.is_ascii_digit()) {
            draft.order_ref = cell.text.into_owned();
        } else {
            draft.errors.push(cell.error(
                Field::OrderRef,
                "the id is no whole number: a spreadsheet has rounded it",
                "import the export as Shopify wrote it, without saving it from a spreadsheet",
            ));
        }
    }

    fn ship_to<'a>(&self, first: &'a Row, order: &mut Cells<'a>) {
        // An order without shipping (a download) has the billing address alone.
        let leg = match self.value(first, "Shipping Country") {
            Some(_) => ["Shipping Name", "Shipping Country", "Shipping Province"],
            None => ["Billing Name", "Billing Country", "Billing Province"],
        };
        let fields = [Field::BuyerName, Field::Country, Field::Region];
        for (header, field) in leg.into_iter().zip(fields) {
            if let Some(cell) = self.cell(first, header) {
                order.set(field, cell);
            }
        }
        let Some(cell) = self.cell(first, "Shipping Country") else {
            return;
        };
        let value = |header| self.value(first, header);
        let street = value("Shipping Address1").or(value("Shipping Street"));
        let town = [value("Shipping Zip"), value("Shipping City")];
        let town: Vec<&str> = town.into_iter().flatten().collect();
        let town = town.join(" ");
        let lines: Vec<&str> = [
            value("Shipping Name"),
            value("Shipping Company"),
            street,
            value("Shipping Address2"),
            Some(town.as_str()),
            value("Shipping Country"),
        ]
        .into_iter()
        .flatten()
        .filter(|line| !line.is_empty())
        .collect();
        let text = Cow::Owned(lines.join("\n"));
        order.set(Field::Address, Cell { text, ..cell });
    }

    fn lines<'a>(&self, group: &'a Group, draft: &mut Draft<'a>) {
        for row in &group.rows {
            let mut cells = Cells::default();
            for (header, field) in LINE_COLUMNS {
                if let Some(cell) = self.cell(row, header) {
                    cells.set(field, cell);
                }
            }
            if !cells.is_empty() {
                draft.lines.push(cells);
            }
        }
    }

    /// All that was handed over, as one parcel: the export tells no more.
    fn parcel<'a>(&self, group: &'a Group, draft: &mut Draft<'a>) {
        let Some(row) = group.rows.first() else {
            return;
        };
        let Some(cell) = self.cell(row, "Fulfilled at") else {
            return;
        };
        let mut parcel = ParcelDraft::default();
        let name = Cell {
            text: Cow::Borrowed("export"),
            ..cell.clone()
        };
        parcel.cells.set(Field::ShippedAt, cell);
        parcel.cells.set(Field::ParcelRef, name);
        let mut index = 0;
        for row in &group.rows {
            if self.value(row, "Lineitem name").is_none() {
                continue;
            }
            let travels = self.value(row, "Lineitem requires shipping") != Some("false");
            let is_sent = self.value(row, "Lineitem fulfillment status") == Some("fulfilled");
            if travels && is_sent {
                parcel.lines.push(index);
            }
            index += 1;
        }
        // A download is fulfilled too, and no parcel.
        if !parcel.lines.is_empty() {
            draft.parcels.push(parcel);
        }
    }

    /// A refund, which the export gives without its date: the last day it tells of stands in.
    fn refund<'a>(&self, first: &'a Row, zone: chrono_tz::Tz, draft: &mut Draft<'a>) {
        let Some(cell) = self.cell(first, "Refunded Amount") else {
            return;
        };
        if cell.text.bytes().all(|b| matches!(b, b'0' | b'.')) {
            return;
        }
        let last = ["Created at", "Paid at", "Fulfilled at", "Cancelled at"]
            .into_iter()
            .filter_map(|header| {
                let cell = self.cell(first, header)?;
                let when = parse_date(&cell.text, zone).ok()?;
                Some((when.at, cell))
            })
            .max_by_key(|(at, _)| *at);
        if let Some((_, date)) = last {
            let warning = "the export does not say when the money went back: counted as of the \
                           last date it holds for the order";
            draft
                .warnings
                .push(cell.warning(Field::RefundAmount, warning));
            draft.order.set(Field::RefundedAt, date);
        }
        draft.order.set(Field::RefundAmount, cell);
    }
}
