"""What a plan's page shows, subject by subject: each part turns a plan into sections of blocks."""
