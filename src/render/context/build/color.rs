//! The button's colour: the brand's, made dark enough for white text.

/// The brand's colour, darkened until white text on it has a contrast of 4.5 (C5).
pub(super) fn button_color(brand: Option<&str>) -> String {
    const QUIET: [u8; 3] = [0x1f, 0x5f, 0x5b];
    let mut color = brand.and_then(parse_color).unwrap_or(QUIET);
    while contrast_with_white(color) < 4.5 {
        color = color.map(|channel| channel.saturating_sub((channel / 16).max(1)));
    }
    let [red, green, blue] = color;
    format!("#{red:02x}{green:02x}{blue:02x}")
}

pub(super) fn parse_color(text: &str) -> Option<[u8; 3]> {
    let hex = text.trim().strip_prefix('#')?;
    if hex.len() != 6 || !hex.is_ascii() {
        return None;
    }
    let channel = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    Some([channel(0)?, channel(2)?, channel(4)?])
}

pub(super) fn contrast_with_white(color: [u8; 3]) -> f64 {
    let [red, green, blue] = color.map(|channel| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.04045 {
            share / 12.92
        } else {
            ((share + 0.055) / 1.055).powf(2.4)
        }
    });
    1.05 / (0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue)) + 0.05)
}
