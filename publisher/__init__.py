"""hubpub: release fine-tuned models to the Hugging Face Hub, proven. Importing this does nothing."""
