"""Customer-service chatbot: approved answers, an honest "I am not sure", a review desk. Start at respond.py."""
