"""What is known beforehand, as data with its source and date: identifiers, model families, packages, licences."""
