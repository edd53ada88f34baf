"""Tables, records, the clock and the error type: what every other package agrees on."""
