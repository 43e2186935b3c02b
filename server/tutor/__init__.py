"""Who answers: any OpenAI-compatible endpoint, the local model among them."""
