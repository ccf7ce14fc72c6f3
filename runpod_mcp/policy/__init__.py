"""What a person allows, and the judgement of one request against it. No I/O, no clock."""
