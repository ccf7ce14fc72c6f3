"""What the code knows about itself, put into words once: sections of the README and every manifest are made from it."""
