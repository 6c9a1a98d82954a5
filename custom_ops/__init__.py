"""Operations with gradients of every order."""
