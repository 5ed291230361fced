"""What a plan says, subject by subject. Formulas stay on the floors below; here they are called, and their results named."""
