"""HTTP in and out; knows no AWS."""
