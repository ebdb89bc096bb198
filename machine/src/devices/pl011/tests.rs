use super::super::testing::{ConsoleProbe, LineProbe};
use super::registers::*;
use super::*;

struct Port {
    uart: Pl011,
    line: Arc<LineProbe>,
    console: Arc<ConsoleProbe>,
}

impl Port {
    /// A port as Linux sets it up: enabled, with FIFOs, receive at half, all interrupts masked.
    fn enabled() -> Self {
        let (line, irq) = LineProbe::new();
        let console = Arc::new(ConsoleProbe::default());
        let port = Self { uart: Pl011::new(irq, console.clone()), line, console };
        port.write(CR, CR_RESET | CR_UARTEN);
        port.write(LCR_H, 0x60 | LCR_H_FEN);
        port
    }

    fn read(&self, offset: u64) -> u32 {
        self.uart.read(offset, 4) as u32
    }

    fn write(&self, offset: u64, value: u32) {
        self.uart.write(offset, 4, value.into());
    }
}

#[test]
fn written_bytes_reach_the_console() {
    let port = Port::enabled();
    for byte in *b"hi\n" {
        port.write(DR, byte.into());
    }
    assert_eq!(port.console.text(), "hi\n");
    assert_eq!(port.read(FR) & (FR_TXFE | FR_RXFE), FR_TXFE | FR_RXFE);
}

#[test]
fn transmit_interrupt_is_raised_by_a_write_and_cleared_by_icr() {
    let port = Port::enabled();
    port.write(IMSC, INT_TX);
    assert!(!port.line.level(), "nothing was sent yet");
    port.write(DR, 0x41);
    assert!(port.line.level());
    assert_eq!(port.read(MIS), INT_TX);
    port.write(ICR, INT_TX);
    assert!(!port.line.level());
    assert_eq!(port.read(RIS), 0);
}

#[test]
fn mask_decides_about_the_line_only() {
    let port = Port::enabled();
    port.write(DR, 0x41);
    assert_eq!((port.read(RIS), port.read(MIS), port.line.level()), (INT_TX, 0, false));
    port.write(IMSC, INT_TX);
    assert_eq!((port.read(RIS), port.read(MIS), port.line.level()), (INT_TX, INT_TX, true));
}

#[test]
fn few_bytes_raise_the_timeout_until_they_are_read() {
    let port = Port::enabled();
    port.write(IMSC, INT_RX | INT_RT);
    assert_eq!(port.uart.push_input(b"ab"), 2);
    assert_eq!(port.read(MIS), INT_RT);
    assert!(port.line.level());
    assert_eq!(port.read(DR), u32::from(b'a'));
    assert!(port.line.level());
    assert_eq!(port.read(DR), u32::from(b'b'));
    assert!(!port.line.level());
    assert_eq!(port.read(FR) & FR_RXFE, FR_RXFE);
}

#[test]
fn receive_interrupt_follows_the_trigger_level() {
    let port = Port::enabled();
    for (select, level) in [(0, 4), (1, 8), (2, 16), (3, 24), (4, 28)] {
        port.write(IFLS, select << 3);
        port.uart.push_input(&vec![b'x'; level - 1]);
        assert_eq!(port.read(RIS) & INT_RX, 0, "one below level {level}");
        port.uart.push_input(b"x");
        assert_eq!(port.read(RIS) & INT_RX, INT_RX, "at level {level}");
        port.read(DR);
        assert_eq!(port.read(RIS) & INT_RX, 0, "below level {level} again");
        while port.read(FR) & FR_RXFE == 0 {
            port.read(DR);
        }
    }
}

#[test]
fn input_beyond_the_fifo_waits_and_keeps_its_order() {
    let port = Port::enabled();
    let input: Vec<u8> = (0..100).collect();
    assert_eq!(port.uart.push_input(&input), 100);
    assert_eq!(port.read(FR) & FR_RXFF, FR_RXFF);
    let mut seen = Vec::new();
    while port.read(FR) & FR_RXFE == 0 {
        seen.push(port.read(DR) as u8);
    }
    assert_eq!(seen, input);
}

#[test]
fn endless_input_is_refused_in_part() {
    let port = Port::enabled();
    let taken = port.uart.push_input(&[0; 10_000]);
    assert!((4096..=4096 + 32).contains(&taken), "{taken}");
    let refused = port.uart.push_input(&[0; 100]);
    assert_eq!(refused, 4096 + 32 - taken);
    port.read(DR);
    assert_eq!(port.uart.push_input(&[0; 100]), 1);
}

#[test]
fn input_before_the_port_is_enabled_arrives_then() {
    let port = Port::enabled();
    port.write(CR, 0);
    port.uart.push_input(b"z");
    assert_eq!(port.read(FR) & FR_RXFE, FR_RXFE);
    port.write(CR, CR_RESET | CR_UARTEN);
    assert_eq!(port.read(DR), u32::from(b'z'));
}

#[test]
fn without_fifos_every_byte_is_an_interrupt() {
    let port = Port::enabled();
    port.write(LCR_H, 0x60);
    port.write(IMSC, INT_RX);
    port.uart.push_input(b"ab");
    assert_eq!(port.read(FR) & FR_RXFF, FR_RXFF);
    assert_eq!(port.read(DR), u32::from(b'a'));
    assert!(port.line.level(), "the second byte follows");
    assert_eq!(port.read(DR), u32::from(b'b'));
    assert!(!port.line.level());
}

#[test]
fn loopback_returns_what_is_sent() {
    let port = Port::enabled();
    port.write(CR, CR_RESET | CR_UARTEN | CR_LBE);
    port.write(DR, u32::from(b'l'));
    assert_eq!(port.read(DR), u32::from(b'l'));
    assert_eq!(port.console.text(), "");
}

#[test]
fn identification_is_pl011_with_deep_fifos() {
    let port = Port::enabled();
    let id: Vec<u32> = (0xfe0..0x1000).step_by(4).map(|offset| port.read(offset)).collect();
    assert_eq!(id, [0x11, 0x10, 0x34, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
}
